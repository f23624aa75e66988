"""What is measured, as metrics of resources and as reports."""
