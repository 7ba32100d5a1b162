"""Room: GitHub events, the job summary and the comment."""
