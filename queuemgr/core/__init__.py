"""Names that programs for older versions import. Each stands for something that lives elsewhere in the package."""
