// Engine: requests to tokens.
//
// The scheduler core (pure), the worker threads and the loaded models live here. Threads are its
// own: a forward pass never runs on the cooperative pool.
