"""What of an application is not as it should be: targets paired with live objects, and compared."""
