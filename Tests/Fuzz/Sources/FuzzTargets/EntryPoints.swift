import Foundation

/// The target that the environment names.
private let chosen: FuzzTarget = {
    let name = ProcessInfo.processInfo.environment["SHOAL_FUZZ_TARGET"] ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        fatalError("SHOAL_FUZZ_TARGET names no target: '\(name)'")
    }
    return target
}()

/// What libFuzzer calls with each input. The bytes are valid until it returns.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    chosen.run([UInt8](UnsafeBufferPointer(start: start, count: count)))
    return 0
}

/// Called once before the rest: writes seeds where SHOAL_FUZZ_SEEDS names a folder.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _: UnsafeMutableRawPointer?, _: UnsafeMutableRawPointer?
) -> CInt {
    if let folder = ProcessInfo.processInfo.environment["SHOAL_FUZZ_SEEDS"] {
        for (name, bytes) in Seeds.of(chosen) {
            let place = URL(fileURLWithPath: folder).appendingPathComponent(name)
            guard (try? Data(bytes).write(to: place)) != nil else {
                fatalError("\(place.path) cannot be written")
            }
        }
    }
    return 0
}
