// OpenAIAPI: the request, response and event types of the OpenAI HTTP interface.
//
// Types and their JSON only. Shoal's own additions are in fields under `shoal`.
