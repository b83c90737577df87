import BPFKit
import BPFObjects
import CAtomics
import FlowAnchorABI
import Glibc
import NetworkTypes
import Synchronization

/// The data plane in the kernel: BPF programs on interfaces, and their tables as memory of this process.
///
/// Maps and links are pinned: packets keep moving when the process ends, and the next one to open the
/// same instance adopts what it finds.
public final class KernelDataPlane: DataPlane {
    public let options: Options
    /// Whether the tables were there already, left by a former process.
    public let wasAdopted: Bool
    /// Entries that a former process was writing when it was killed, and that were mended.
    public let mendedEntries: Int
    /// Flows of the NAT for which there was no room when the sizes of its tables changed.
    public let lostTranslations: Int

    /// The tables of the NAT, the smallest ones where there is none.
    public let nat: NATTable

    let objectPath: String
    let maps: SharedMaps
    let clock: TickClock
    let state: Mutex<State>
    let lock: InstanceLock

    struct State {
        var hosts: HostTable
        var paths: PathTable
        var ports: [PortIndex: Port] = [:]
        /// XDP programs that this process has put on ports.
        var attached: [PortIndex: AttachedProgram] = [:]
        var hostPaths: [PathIndex]
        var peers: PeerTable
        var configuration = DataPlaneConfiguration()
        /// Of this machine's ports.
        var addresses: [IPAddress] { ports.values.flatMap(\.addresses) }
        /// Entries of `fa_admitted`, which nobody else writes.
        var admitted = 0
        /// Those that a former process had allowed, by host.
        var formerlyAdmitted: [IPAddress: Set<IPAddress>] = [:]
        /// Interface through which packets for sequenced tunnels go first.
        var segmenter: Int32?
    }

    /// Which programs an instance runs.
    public enum Program: String, Hashable, Sendable, CaseIterable, Codable {
        case accessRouter = "access_router"
        case mobileNode = "mobile_node"
    }

    public struct Options: Hashable, Sendable {
        /// Names the instance's folder of pins.
        public var instance: String
        public var program: Program
        /// Slots of the host table, raised to a power of two. Most efficient at twice the number of hosts.
        public var hostCapacity: Int
        /// Slots of a mobile node's flow table, raised to a power of two.
        public var flowCapacity: Int
        /// Entries that the maps behind the tables can take.
        public var spillCapacity: Int
        /// An access router with NAT: the sizes of its tables.
        public var nat: NATCapacity?
        /// Mount point of the bpf file system.
        public var root: String

        public init(
            instance: String, program: Program = .accessRouter, hostCapacity: Int = 65536, flowCapacity: Int = 16384,
            spillCapacity: Int = 4096, nat: NATCapacity? = nil, root: String = BPFFileSystem.standardRoot
        ) {
            self.instance = instance
            self.program = program
            self.hostCapacity = hostCapacity
            self.flowCapacity = flowCapacity
            self.spillCapacity = spillCapacity
            self.nat = nat
            self.root = root
        }

        /// Folder of all that the instance has pinned.
        public var folder: String { root + "/flowanchor/" + instance }
        var mapFolder: String { folder + "/maps" }
        var linkFolder: String { folder + "/links" }
    }

    /// Makes the instance's tables, or adopts them. If the host table's size is to be another one, its
    /// entries are moved; programs find them once they are attached anew.
    public init(_ options: Options) throws(DataPlaneError) {
        try Self.check(options)
        self.options = options
        try Result { () throws(BPFError) in
            try BPFFileSystem.prepare(options.mapFolder, root: options.root)
            try BPFFileSystem.prepare(options.linkFolder, root: options.root)
        }.unwrapped()
        lock = try InstanceLock.take(options.folder)
        clock = try Result { () throws(BPFError) in try TickClock() }.unwrapped()
        objectPath = try Self.object(options.program)
        let hosts = Self.powerOfTwo(options.hostCapacity)
        var capacities = [
            "fa_hosts": hosts, "fa_hosts_extra": hosts, "fa_peers": hosts,
            "fa_hosts_spill": UInt32(options.spillCapacity), "fa_flows": Self.powerOfTwo(options.flowCapacity),
        ]
        if let nat = options.nat { capacities.merge(nat.entries) { $1 } }
        let set = try MapSet(object: objectPath, folder: options.mapFolder, capacities: capacities)
        let maps = try SharedMaps(set.handles)
        self.maps = maps
        nat = NATTable(NATMemory(maps), owner: maps) { _ = ca_wait_for_programs() }
        var table = HostTable(maps)
        var peers = PeerTable(maps)
        switch set.origin {
        case .made:
            table = HostTable(maps, isNew: true)
            peers = PeerTable(maps, isNew: true)
            wasAdopted = false
            mendedEntries = 0
            lostTranslations = 0
            Self.initialise(maps, bucketMask: table.bucketMask)
            try Result { () throws(BPFError) in try maps.pin(in: options.mapFolder) }.unwrapped()
        case .adopted:
            wasAdopted = true
            lostTranslations = 0
            try Self.checkVersion(maps, options)
            mendedEntries = try Result { () throws(BPFError) in try table.repair() }.unwrapped() + nat.repair()
        case .resized(let handles, let groups):
            wasAdopted = true
            let former = try SharedMaps(handles)
            try Self.checkVersion(former, options)
            maps.config[0] = former.config[0]
            Self.setSizes(maps, bucketMask: table.bucketMask)
            var mended = 0
            if groups.contains(.hosts) {
                var old = HostTable(former)
                mended = try Result { () throws(BPFError) in try old.repair() }.unwrapped()
                try table.move(from: old, capacity: maps.hosts.count)
            } else {
                mended = try Result { () throws(BPFError) in try table.repair() }.unwrapped()
            }
            lostTranslations = groups.contains(.nat) ? nat.move(from: NATMemory(former)) : 0
            mendedEntries = mended + (groups.contains(.nat) ? 0 : nat.repair())
            try Result { () throws(BPFError) in try maps.replacePins(in: options.mapFolder) }.unwrapped()
        }
        var state = State(
            hosts: table, paths: PathTable(entries: maps.paths.base, limit: maps.paths.count),
            hostPaths: [PathIndex](repeating: 0, count: Port.limit), peers: peers)
        if wasAdopted { try state.adopt(maps) }
        self.state = Mutex(state)
    }

    private static func checkVersion(_ maps: SharedMaps, _ options: Options) throws(DataPlaneError) {
        let found = maps.config[0].abi
        guard found == FA_ABI_VERSION else {
            throw .incompatible(
                "the tables in \(options.mapFolder) are of version \(found), this program is of \(FA_ABI_VERSION); "
                    + "'anchorctl unload' removes them")
        }
    }

    /// The programs' object file.
    static func object(_ program: Program) throws(DataPlaneError) -> String {
        do {
            return try BPFObjects.path(of: program.rawValue)
        } catch {
            throw .invalid(error.description)
        }
    }

    private static func check(_ options: Options) throws(DataPlaneError) {
        #if !arch(x86_64)
            // Readers rely on loads and stores that stay in order.
            var system = utsname()
            uname(&system)
            throw .unsupportedProcessor(
                withUnsafeBytes(of: system.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        #endif
        let isName =
            !options.instance.isEmpty && options.instance.count <= 64
            && options.instance.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
        guard isName else {
            throw .invalid("instance name '\(options.instance)': use 1 to 64 letters, digits, '-' and '_'")
        }
        for (name, value) in [("host", options.hostCapacity), ("flow", options.flowCapacity)] {
            guard (8...(1 << 28)).contains(value) else {
                throw .invalid("the \(name) table's size \(value) is not within 8 and \(1 << 28)")
            }
        }
        guard (1...(1 << 24)).contains(options.spillCapacity) else {
            throw .invalid("the spill map's size \(options.spillCapacity) is not within 1 and \(1 << 24)")
        }
        try options.nat?.check()
    }

    static func powerOfTwo(_ count: Int) -> UInt32 {
        count.nonzeroBitCount == 1 ? UInt32(count) : UInt32(1) << (Int.bitWidth - count.leadingZeroBitCount)
    }

    private static func initialise(_ maps: SharedMaps, bucketMask: UInt32) {
        var config = fa_config()
        config.abi = UInt32(FA_ABI_VERSION)
        var random = SystemRandomNumberGenerator()
        config.hash_secret = (random.next(), random.next())
        if let flows = maps.handles["fa_flows"]?.description.capacity {
            config.flow_mask = flows / FA_BUCKET_SLOTS - 1
        }
        maps.config[0] = config
        setSizes(maps, bucketMask: bucketMask)
    }

    /// Tells the programs how large their tables are.
    private static func setSizes(_ maps: SharedMaps, bucketMask: UInt32) {
        maps.config[0].host_mask = bucketMask
        maps.config[0].translation_mask = UInt32(maps.translations.count) / FA_BUCKET_SLOTS - 1
        maps.config[0].subscriber_mask = UInt32(maps.subscribers.count) / FA_BUCKET_SLOTS - 1
    }

    /// Memory of the tables in the kernel, in bytes; the spill map, which grows as it is needed, left out.
    public var sharedBytes: Int {
        maps.handles.values.reduce(0) { $0 + $1.description.bytes }
    }

    // MARK: What happened

    public func reasonCounts() throws(DataPlaneError) -> [Reason: UInt64] {
        do throws(BPFError) {
            var counts: [Reason: UInt64] = [:]
            for reason in Reason.all { counts[reason] = try maps.reasons.sum(reason.number) }
            return counts
        } catch {
            throw .bpf(error)
        }
    }

    /// What the instance's maps are made of, in the order of their names.
    public var mapDescriptions: [BPFMapDescription] {
        maps.handles.sorted { $0.key < $1.key }.map { name, handle in
            var description = handle.description
            // The kernel keeps fifteen bytes of a name.
            description.name = name
            return description
        }
    }

    /// The reading end of what programs report (`fa_events`), for the owner's event loop.
    public func events(
        receive: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
    ) throws(DataPlaneError) -> BPFRingBuffer {
        guard let handle = maps.handles["fa_events"] else { throw .invalid("these programs report no events") }
        do throws(BPFError) {
            return try BPFRingBuffer(handle.typed(), receive: receive)
        } catch {
            throw .bpf(error)
        }
    }
}
