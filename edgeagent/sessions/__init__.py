"""The life of a session between its runs: created, owned, found, forked, rewound, kept, removed. Read `store` first."""
