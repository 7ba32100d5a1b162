import os
import subprocess
from subprocess import Popen

subprocess.run(f"ls {name}", shell=True)  # expect: py-subprocess-shell
subprocess.check_output(command, shell=True, text=True)  # expect: py-subprocess-shell
Popen(command, shell=True)  # expect: py-subprocess-shell
os.system("ls " + name)  # expect: py-subprocess-shell-os-system
os.popen(command).read()  # expect: py-subprocess-shell-os-system
