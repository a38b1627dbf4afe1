import Foundation
import Kernels
import Synchronization
import Testing

@testable import Engine

@Suite struct ModelHostTests {
    /// Counts loads, and holds them up while told to.
    private final class Loads: Sendable {
        let names = Mutex<[String]>([])
        let isOpen = Atomic<Bool>(true)
        let models = Mutex<[String: HashModel]>([:])
    }

    /// A host whose files are names; each model takes as many bytes as its name says, `a-100`, and
    /// its engine two pages of 1 KiB and no more.
    private func host(_ bytes: Int, _ loads: Loads) throws -> ModelHost {
        @Sendable func size(_ path: String) -> Int {
            path.split(separator: "-").last.flatMap { Int($0) } ?? 0
        }
        return ModelHost(
            configuration: ModelHost.Configuration(
                memoryBytesMax: bytes, engine: EngineConfiguration(pageBytesMax: 2048)),
            source: ModelHost.Source(
                claim: { path, configuration throws(EngineError) in
                    (size(path), configuration.pageBytesMax ?? 0)
                },
                load: { path, configuration, progress throws(EngineError) in
                    loads.names.withLock { $0.append(path) }
                    while !loads.isOpen.load(ordering: .relaxed) { usleep(1000) }
                    guard size(path) > 0 else { throw .model(reason: "broken") }
                    progress(1)
                    let model = HashModel(isOpen: !path.hasPrefix("slow"), weightBytes: size(path))
                    loads.models.withLock { $0[path] = model }
                    do { return try hashEngine(model, configuration) } catch {
                        throw .model(reason: "\(error)")
                    }
                }))
    }

    private func ask(_ host: ModelHost, _ name: String) async throws -> Answer {
        try await read(
            host.submit(EngineRequest(id: "r", prompt: .text("hello"), maxTokens: 3), to: name))
    }

    @Test("The least recently used idle model leaves first, and no more than must")
    func leaving() async throws {
        let loads = Loads()
        let host = try host(20_000, loads)
        for name in ["a-5000", "b-4000", "c-3000", "d-9000"] {
            try host.add(name: name, path: name)
        }
        for name in ["a-5000", "b-4000", "c-3000", "a-5000"] { _ = try await ask(host, name) }
        #expect(loads.names.withLock { $0 } == ["a-5000", "b-4000", "c-3000"])
        _ = try await ask(host, "d-9000")
        let models = host.models
        #expect(models["b-4000"] == .absent && models["c-3000"] == .absent)
        #expect(models["a-5000"] != .absent && models["d-9000"] != .absent)
        #expect(try await ask(host, "b-4000").tokens[0]?.count == 3)
        host.shutdown()
        await #expect(throws: EngineError.shutDown) { try await ask(host, "a-5000") }
    }

    @Test("A model in use does not leave; what does not fit beside it is refused")
    func busy() async throws {
        let loads = Loads()
        let host = try host(15_000, loads)
        try host.add(name: "slow", path: "slow-8000")
        try host.add(name: "big", path: "big-9000")
        try host.add(name: "huge", path: "huge-20000")
        let stream = try await host.submit(
            EngineRequest(id: "r", prompt: .text("hello"), maxTokens: 3), to: "slow")
        await #expect(
            throws: EngineError.notEnoughMemory(
                what: "the model 'big', with its pages, beside those in use", neededBytes: 9256,
                availableBytes: 4952)
        ) { try await ask(host, "big") }
        loads.models.withLock { $0["slow-8000"] }?.open()
        _ = try await read(stream)
        #expect(try await ask(host, "big").tokens[0]?.count == 3)
        await #expect(throws: EngineError.self) { try await ask(host, "huge") }
        #expect(host.models["big"] != .absent)
    }

    @Test("A model that only fits with fewer pages gets fewer")
    func fewerPages() async throws {
        let host = ModelHost(
            configuration: ModelHost.Configuration(
                memoryBytesMax: 50_000, engine: EngineConfiguration(pageBytesMax: 32 << 10)),
            source: ModelHost.Source(
                claim: { _, configuration throws(EngineError) in
                    (30_000, configuration.pageBytesMax ?? 0)
                },
                load: { _, configuration, _ throws(EngineError) in
                    do {
                        return try hashEngine(
                            HashModel(contextLength: 1000, weightBytes: 30_000), configuration)
                    } catch { throw .model(reason: "\(error)") }
                }))
        try host.add(name: "a", path: "a")
        #expect(try await ask(host, "a").tokens[0]?.count == 3)
        #expect(try await host.engine("a").load.pageCount == 4)
    }

    @Test("Requests for a model that is being loaded wait for one load of it")
    func waiting() async throws {
        let loads = Loads()
        loads.isOpen.store(false, ordering: .relaxed)
        let host = try host(15_000, loads)
        try host.add(name: "a", path: "a-100")
        try host.add(name: "broken", path: "broken-0")
        let tasks = (0..<5).map { _ in Task { try await ask(host, "a") } }
        try await eventually { host.models["a"] == .loading }
        loads.isOpen.store(true, ordering: .relaxed)
        for task in tasks { #expect(try await task.value.tokens[0]?.count == 3) }
        #expect(loads.names.withLock { $0 } == ["a-100"])
        await #expect(throws: EngineError.model(reason: "broken")) {
            try await ask(host, "broken")
        }
        await #expect(throws: EngineError.unknownModel(name: "x", known: ["a", "broken"])) {
            try await ask(host, "x")
        }
        #expect(host.unload("a") && !host.unload("a") && host.models["a"] == .absent)
    }

    @Test("The plan takes idle models in the order of their last use until it fits")
    func plan() {
        func resident(_ name: String, _ lastUse: Int, _ isBusy: Bool = false) -> HostPlan.Resident {
            HostPlan.Resident(name: name, bytes: 10, lastUse: lastUse, isBusy: isBusy)
        }
        let residents = [resident("a", 3), resident("b", 1, true), resident("c", 2)]
        func victims(_ needed: Int) -> [String]? {
            HostPlan.victims(needed: needed, residents: residents, budget: 40)
        }
        #expect(victims(10) == [] && victims(11) == ["c"] && victims(21) == ["c", "a"])
        #expect(victims(30) == ["c", "a"] && victims(31) == nil)
    }

    @Test("A control group's limit counts, its own files and those above it, old and new")
    func controlGroups() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("shoal-groups-\(ProcessInfo.processInfo.processIdentifier)")
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ path: String, _ text: String) throws {
            let url = folder.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        func bytes(_ groups: String) throws -> Int {
            try write("own", groups)
            return SystemMemory.controlGroupBytes(
                root: folder.path, own: folder.appendingPathComponent("own").path)
        }
        #expect(try bytes("") == .max)
        try write("a/b/memory.max", "max\n")
        try write("a/b/memory.current", "700\n")
        try write("a/memory.max", "1000\n")
        try write("a/memory.current", "900\n")
        try write("a/memory.stat", "anon 600\ninactive_file 250\n")
        #expect(try bytes("0::/a/b\n") == 350)
        #expect(try bytes("0::/a/b\n4:memory:/old\n") == 350)
        try write("memory/old/memory.limit_in_bytes", "500\n")
        try write("memory/old/memory.usage_in_bytes", "600\n")
        #expect(try bytes("0::/a/b\n4:cpu,memory:/old\n") == 0)
        #expect(try bytes("0::/elsewhere\n") == .max)
    }
}
