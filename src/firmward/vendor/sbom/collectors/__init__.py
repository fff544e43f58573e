"""One module per kind of manifest, database or map: from its bytes to the parts that it names."""
