"""The probe that Python processes of a check load; the folder is put on their path."""
