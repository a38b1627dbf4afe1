// Node: the composition root.
//
// Configuration, the state directory, and the wiring of engine, gossip, links and HTTP into one
// process live here. Decisions live in the cores that it drives.
