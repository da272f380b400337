"""The commands of ``proview``, one file each."""
