//! A sandbox: namespaces, overlay, id mapping, seccomp, bounds, reaping; the only mounts and the only unsafe.
