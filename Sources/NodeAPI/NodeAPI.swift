// NodeAPI: the node's HTTP interface.
//
// Routes, server-sent events and error mapping live here. What a node does is behind
// `NodeService`, which `Node` implements.
