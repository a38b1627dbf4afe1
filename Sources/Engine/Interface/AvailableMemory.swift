/// Memory that this process can take now without pushing others out or being stopped, in bytes:
/// what models get that are given no budget.
public var availableMemoryBytes: Int { SystemMemory.availableBytes() }
