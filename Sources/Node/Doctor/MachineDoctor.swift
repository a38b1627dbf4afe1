import Engine
import Kernels
import NodeAPI
import Platform
import Secrets
import Trust

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Models, memory and the rest of this machine.
extension Doctor {
    func examineMachine(_ subject: Subject, _ report: inout DoctorReport) {
        examineModels(subject, &report)
        examineDisk(&report)
        examineLimits(&report)
        report.add(.machine, "libsodium", .ok, libsodiumVersion)
        do {
            let kernels = try KernelTable.best(environment: environment)
            let isSlow = "\(kernels.instructionSet)" == "portable"
            report.add(
                .machine, "kernels", isSlow ? .warning : .ok, "\(kernels.instructionSet)",
                remedy: isSlow
                    ? "models will be slow: this processor, or $SHOAL_ISA, allows nothing faster"
                    : nil)
        } catch {
            report.add(
                .machine, "kernels", .problem, "\(error)", remedy: "correct $SHOAL_ISA")
        }
    }

    private func examineModels(_ subject: Subject, _ report: inout DoctorReport) {
        guard let configuration = subject.configuration else { return }
        let own = subject.files.list("models").filter { $0.hasSuffix(".gguf") }
            .map { subject.files.path("models/\($0)") }
        let paths = configuration.models.map { ModelStore.split($0).path } + own
        var bytes = 0
        var broken = 0
        for path in paths {
            bytes += DirectoryFiles.byteCount(ofFile: path) ?? 0
            guard let reason = checkModel(path) else { continue }
            broken += 1
            report.add(
                .machine, "model", .problem, reason.contains(path) ? reason : "\(path): \(reason)",
                remedy: "put the file there again, or take it out of config.json")
        }
        let available = availableMemoryBytes
        let budget = configuration.memoryMiB.map { $0 << 20 }
        let room = min(budget ?? available, available)
        let memory = "\(Self.size(available)) of memory free"
        guard !paths.isEmpty else {
            // Those that a flag named, or the environment of the running node.
            let served = status?.members.first(where: \.isSelf)?.models ?? []
            let found =
                served.isEmpty
                ? "none" : "none in config.json; the node serves \(served.joined(separator: ", "))"
            return report.add(.machine, "models", .ok, "\(found); \(memory)")
        }
        // A node that runs has taken its share already.
        if !subject.isLocked, bytes > room {
            report.add(
                .machine, "models", .warning,
                "\(paths.count) take \(Self.size(bytes)), and \(Self.size(room)) are free for "
                    + "them: not all fit at once",
                remedy: "free memory, raise --memory-mib, or use smaller models")
        } else if broken == 0 {
            report.add(
                .machine, "models", .ok, "\(paths.count) of \(Self.size(bytes)); \(memory)")
        }
    }

    private func examineDisk(_ report: inout DoctorReport) {
        var info = statvfs()
        guard statvfs(path, &info) == 0 else { return }
        let free = Int(clamping: UInt64(info.f_bavail) * UInt64(info.f_frsize))
        if free < DoctorLimits.diskBytesLow {
            report.add(
                .machine, "disk", free < DoctorLimits.diskBytesMin ? .problem : .warning,
                "\(Self.size(free)) free at \(path)", remedy: "make room")
        } else {
            report.add(.machine, "disk", .ok, "\(Self.size(free)) free")
        }
    }

    private func examineLimits(_ report: inout DoctorReport) {
        // The node's own, where it tells: a service has other limits than the shell of this command.
        let told = status?.node.openFilesMax
        let files = told ?? OpenFiles.limit
        let isLow = files < DoctorLimits.openFilesLow
        report.add(
            .machine, "open files", isLow ? .warning : .ok,
            told == nil
                ? "up to \(files) for what is started from here" : "up to \(files) for the node",
            remedy: isLow ? "raise it (`ulimit -n 4096`) before the node starts" : nil)
    }

    private static func size(_ bytes: Int) -> String {
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(bytes)
        var unit = 0
        while value >= 1024, unit + 1 < units.count {
            value /= 1024
            unit += 1
        }
        let tenths = (value * 10).rounded() / 10
        return unit == 0 ? "\(bytes) bytes" : "\(tenths) \(units[unit])"
    }
}
