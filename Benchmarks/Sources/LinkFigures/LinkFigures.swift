import Mesh
import MeshTransport
import Trust
import Wire

public enum LinkFigures {
    public static func quickThroughput() async throws -> String {
        let mesh = try BenchmarkMesh()
        let peer = try PeerProcess(["server", mesh.text])
        let words = try peer.line().split(separator: " ")
        guard let address = NetworkAddress("127.0.0.1:\(words[0])") else { return "" }
        let node = try await mesh.node()
        let link = try await node.connect(to: [address], expecting: nil)
        var text = ""
        for service in [LinkService.inference, .measure] {
            let f = try await ThroughputFigure.measure(over: link, service: service, rounds: 5, bytesPerRound: 512 << 20)
            text += "\(service.rawValue): \(f)\n"
        }
        peer.end()
        return text
    }
}
