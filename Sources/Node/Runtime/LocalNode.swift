import Gossip
import Kernels
import Mesh
import MeshTransport
import NIOCore
import NodeAPI
import Trust
import Wire

/// This node behind its HTTP interface.
struct LocalNode: NodeService {
    let entry: EntryService
    let activity: ActivityReporter
    let trust: TrustService
    let directory: StateDirectory
    let addresses: [NetworkAddress]
    let discovery: DiscoveryService
    let faults: [TransportFault]
    let httpAddress: LateBound<String>
    let started: ContinuousClock.Instant

    func generate(_ request: GenerationRequest) async throws(ServiceError) -> GenerationStream {
        try await entry.generate(request)
    }

    func embed(
        _ request: EmbeddingServiceRequest
    ) async throws(ServiceError) -> EmbeddingAnswer {
        try await entry.embed(request)
    }

    func models() async -> [ServedModel] {
        let (local, peers) = entry.routingMembers()
        // By name and digest: what else is said of a model may differ from node to node.
        struct Key: Hashable {
            var name: String
            var digest: ModelDigest
        }
        var found: [Key: (contextLength: UInt32, nodes: [String])] = [:]
        for member in [local] + peers where member.isRoutable {
            for model in member.models {
                let key = Key(name: model.name, digest: model.digest)
                var entry = found[key] ?? (model.contextLength, [])
                entry.contextLength = min(entry.contextLength, model.contextLength)
                entry.nodes.append(member.name)
                found[key] = entry
            }
        }
        return found.map { key, entry in
            ServedModel(
                id: key.name, digest: key.digest.hex,
                contextLength: Int(entry.contextLength), nodes: entry.nodes.sorted())
        }.sorted { ($0.id, $0.digest) < ($1.id, $1.digest) }
    }

    func health() async -> NodeHealth { NodeHealth(ready: true, status: "ok") }
}
