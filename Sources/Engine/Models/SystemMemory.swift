#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the system says about itself.
enum SystemMemory {
    /// Processors that are online, at least one.
    static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Bytes that can be taken without pushing others out or being stopped: the least of
    /// `MemAvailable` of /proc/meminfo (proc(5)), or all physical memory where there is no such
    /// file, and what the control group of this process and those above it leave.
    static func availableBytes() -> Int {
        let system: Int
        if let kibibytes = field("MemAvailable:", of: lines("/proc/meminfo")) {
            system = kibibytes * 1024
        } else {
            let pages = sysconf(Int32(_SC_PHYS_PAGES))
            let size = sysconf(Int32(_SC_PAGESIZE))
            system = pages > 0 && size > 0 ? pages * size : .max
        }
        return min(system, controlGroupBytes(root: "/sys/fs/cgroup", own: "/proc/self/cgroup"))
    }

    /// What control groups leave, version 2 (`memory.max`, `memory.current`) and 1
    /// (`memory.limit_in_bytes`, `memory.usage_in_bytes`); see the kernel's cgroup-v2.rst and
    /// cgroup-v1/memory.rst. Files that are only cached (`inactive_file` of `memory.stat`) count as
    /// free: the kernel drops them first.
    static func controlGroupBytes(root: String, own: String) -> Int {
        var least = Int.max
        for line in lines(own) {
            // hierarchy:controllers:path; version 2 has no controllers.
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isSecond = parts[1].isEmpty
            guard isSecond || parts[1].split(separator: ",").contains("memory") else { continue }
            let base = isSecond ? root : root + "/memory"
            var folders = parts[2].split(separator: "/").prefix(groupDepthMax)[...]
            while true {
                // Within a container the path may not exist; its top then is the root.
                let folder = base + folders.map { "/" + $0 }.joined()
                least = min(least, left(in: folder, isSecond: isSecond))
                guard folders.popLast() != nil else { break }
            }
        }
        return least
    }

    /// The deepest nesting of groups that is looked at.
    private static let groupDepthMax = 32

    private static func left(in folder: String, isSecond: Bool) -> Int {
        let names =
            isSecond
            ? ("memory.max", "memory.current")
            : ("memory.limit_in_bytes", "memory.usage_in_bytes")
        // "max" means no limit.
        guard let limit = lines("\(folder)/\(names.0)").first.flatMap({ Int($0) }),
            let used = lines("\(folder)/\(names.1)").first.flatMap({ Int($0) })
        else { return .max }
        let statistics = lines("\(folder)/memory.stat")
        let cached = field(isSecond ? "inactive_file" : "total_inactive_file", of: statistics) ?? 0
        return max(0, limit - max(0, used - cached))
    }

    private static func field(_ name: String, of lines: [String]) -> Int? {
        for line in lines {
            let parts = line.split(separator: " ")
            if let first = parts.first, first == name {
                return parts.dropFirst().first.flatMap { Int($0) }
            }
        }
        return nil
    }

    /// The lines of a small file of the kernel's; none where it can't be read.
    private static func lines(_ path: String) -> [String] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var result: [String] = []
        var buffer = [CChar](repeating: 0, count: 4096)
        while result.count < 1024, fgets(&buffer, Int32(buffer.count), file) != nil {
            let bytes = buffer.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }
            result.append(String(decoding: bytes, as: UTF8.self))
        }
        return result
    }
}
