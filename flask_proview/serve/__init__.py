"""The processes of an installation and the supervisor that `proview serve` runs."""
