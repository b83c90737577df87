import CAtomics
import FlowAnchorABI
import NetworkTypes

/// The paths: equal specifications share one, which is rewritten when what it follows from changes.
/// Index 0 is no path.
struct PathTable {
    private let entries: UnsafeMutablePointer<fa_path>
    private let limit: Int
    private var specifications: [PathIndex: PathSpecification] = [:]
    private var indices: [PathSpecification: PathIndex] = [:]
    private var resolutions: [NextHop: NextHopResolution] = [:]
    private var ports: [PortIndex: Port] = [:]
    private var free: [PathIndex] = []
    private var born: [PathIndex: ContinuousClock.Instant] = [:]
    /// How long a path that nothing names yet is kept for whoever asked for it.
    private static let youth = Duration.seconds(10)

    /// - Parameter entries: the shared array; what a former controller has left in it is taken over.
    init(entries: UnsafeMutableRawPointer, limit: Int) {
        self.entries = entries.assumingMemoryBound(to: fa_path.self)
        self.limit = limit
        for index in (1..<limit).reversed() {
            let path = self.entries[index]
            guard let specification = path.current.specification(path.purpose) else {
                if path.purpose.kind != 0 { self.entries[index].purpose = fa_path_purpose() }
                free.append(PathIndex(index))
                continue
            }
            specifications[PathIndex(index)] = specification
            indices[specification] = PathIndex(index)
            if case .neighbour = specification.nextHop, path.current.has(FA_PATH_RESOLVED) {
                let mac = MACAddress(path.current.mac_destination)
                resolutions[specification.nextHop] = NextHopResolution(destination: mac)
            }
            self.entries[index].users = 0
        }
    }

    // MARK: Paths

    /// - Throws: if all paths are in use.
    mutating func index(for specification: PathSpecification) throws(DataPlaneError) -> PathIndex {
        if let index = indices[specification] { return index }
        if free.isEmpty { reclaim() }
        guard let index = free.popLast() else { throw .pathsExhausted(limit: limit - 1) }
        let path = entries + Int(index)
        path.pointee.purpose = fa_path_purpose(specification)
        path.pointee.users = 0
        specifications[index] = specification
        indices[specification] = index
        born[index] = .now
        write(index, specification)
        return index
    }

    /// Takes back the paths that nothing names.
    private mutating func reclaim() {
        let now = ContinuousClock.now
        let unused = specifications.keys.filter { index in
            entries[Int(index)].users == 0 && born[index].map { now - $0 > Self.youth } != false
        }
        guard !unused.isEmpty else { return }
        for index in unused {
            entries[Int(index)].purpose = fa_path_purpose()
            if let specification = specifications.removeValue(forKey: index) { indices[specification] = nil }
            born[index] = nil
        }
        // A packet may have read an entry that named one of them, before it named another.
        _ = ca_wait_for_programs()
        free = unused.sorted(by: >)
    }

    var count: Int { specifications.count }

    /// Without a look into a dictionary, which a million hosts one after the other would notice.
    @inline(__always)
    func exists(_ index: PathIndex) -> Bool {
        index != 0 && index < limit && entries[Int(index)].purpose.kind != 0
    }

    @inline(__always)
    func retain(_ index: PathIndex, _ count: UInt32 = 1) {
        if index != 0 && index < limit { entries[Int(index)].users &+= count }
    }

    @inline(__always)
    func release(_ index: PathIndex) {
        if index != 0 && index < limit && entries[Int(index)].users > 0 { entries[Int(index)].users -= 1 }
    }

    var all: [PathEntry] {
        specifications.sorted { $0.key < $1.key }.map { index, specification in
            let path = entries[Int(index)]
            return PathEntry(
                index: index, specification: specification, isResolved: path.current.has(FA_PATH_RESOLVED),
                mtu: path.current.mtu, users: path.users)
        }
    }

    // MARK: What they follow from

    mutating func setNextHop(_ nextHop: NextHop, _ resolution: NextHopResolution) {
        guard resolutions[nextHop] != resolution else { return }
        resolutions[nextHop] = resolution
        for (index, specification) in specifications where specification.nextHop == nextHop {
            write(index, specification)
        }
    }

    mutating func setPort(_ index: PortIndex, _ port: Port?) {
        ports[index] = port
        for (path, specification) in specifications where specification.nextHop.port == index {
            write(path, specification)
        }
    }

    /// The port as it was when the paths through it were written.
    mutating func adoptPort(_ index: PortIndex, _ port: Port) { ports[index] = port }

    /// Writes the idle copy, then puts it in force. A packet that reads a copy while it is written finds
    /// that the generation changed, and reads again.
    private func write(_ index: PathIndex, _ specification: PathSpecification) {
        let port = specification.nextHop.port.flatMap { ports[$0] }
        let surroundings = PathSurroundings(port: port, resolution: resolutions[specification.nextHop])
        let path = entries + Int(index)
        let next = path.pointee.generation &+ 1
        let copy = fa_path_copy(specification, surroundings)
        if next & 1 == 0 { path.pointee.copies.0 = copy } else { path.pointee.copies.1 = copy }
        let generation = UnsafeMutableRawPointer(path) + MemoryLayout<fa_path>.offset(of: \.generation)!
        ca_store_release_u32(generation, next)
    }
}

extension fa_path {
    /// The copy in force.
    var current: fa_path_copy { generation & 1 == 0 ? copies.0 : copies.1 }
}
