"""What the end-to-end tests share: the stack, its servers, comparison."""
