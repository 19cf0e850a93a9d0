"""The routing policy: composed from a spec, published as a file, compared, rendered and checked."""
