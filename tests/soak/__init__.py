"""Whether anything is lost, done twice or changed when processes are killed and disks fail; see docs/how/soak.md."""
