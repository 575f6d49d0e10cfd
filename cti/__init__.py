"""Call control: the AMI link, calls as facts in and commands out, and the processes of the platform."""
