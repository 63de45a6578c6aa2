//! The one HTTP client: by address, by unix socket, or inside a sandbox's network.
