# Laid over the root's copy: the state is on this disk.
terraform {
  backend "local" {}
}
