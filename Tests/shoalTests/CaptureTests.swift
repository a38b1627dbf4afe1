import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension ProcessTests {
    @Suite struct CaptureTests {
        /// Recording packets takes root, tcpdump, and a network of one's own.
        private static let canRecord: Bool = {
            guard geteuid() == 0 else { return false }
            let check = Process()
            check.executableURL = URL(fileURLWithPath: "/bin/sh")
            check.arguments = [
                "-c",
                "command -v tcpdump ip python3 && unshare --net ip link set lo up",
            ]
            check.standardOutput = FileHandle.nullDevice
            check.standardError = FileHandle.nullDevice
            guard (try? check.run()) != nil else { return false }
            check.waitUntilExit()
            return check.terminationStatus == 0
        }()

        @Test(.enabled(if: canRecord))
        func aRecordingOfAWholeTestnetShowsNoPromptAnswerNameOrKey() async throws {
            let script = Package.root.appendingPathComponent("testnet/capture").path
            let command = try StartedCommand(
                executable: script, arguments: ["--shoal", try Package.executable()], input: nil,
                environment: [:], directory: FileManager.default.temporaryDirectory,
                outputBase: FileManager.default.temporaryDirectory.appendingPathComponent(
                    "shoal-capture-\(UUID().uuidString)"))
            let outcome = try await command.outcome(withinSeconds: 300)
            #expect(outcome.status == 0, "\(outcome)")
            #expect(outcome.output.contains("Nothing of it was found."), "\(outcome)")
        }
    }
}
