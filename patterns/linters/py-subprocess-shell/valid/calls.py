import subprocess

subprocess.run(["ls", "--", name])
subprocess.run(command, shell=False)
subprocess.run(command, shell=wanted)
render(shell=True)
