"""What each answer looks like to people: from documents to blocks."""
