"""Built-in backends; the core knows them only as ``module:function`` strings."""
