"""Operating the stack on AWS: plan, push, deploy, roll back."""
