import BPFKit
import CBPF
import Glibc

extension KernelDataPlane {
    /// Puts the programs of the port's role on its interface, in the place of those that a former process
    /// or version has left there: each packet meets the old or the new ones.
    ///
    /// - Throws: if a program that isn't this instance's is on the interface. It is named, and stays.
    public func attach(_ index: PortIndex) throws(DataPlaneError) -> ProgramAttachment {
        guard let port = port(index) else { throw .invalid("port \(index) isn't described yet") }
        return try Result { () throws(BPFError) in
            port.role == .mobile ? try attachFilters(index, port) : try attachLink(index, port)
        }.unwrapped()
    }

    /// Mobile node: has packets for sequenced tunnels [0054] cut into their segments before they get a number,
    /// by sending them through a pair of interfaces. For what is attached after this.
    /// - Parameters:
    ///   - entrance: index of the end into which uncut packets go; the kernel cuts them there.
    ///   - exit: index of the other end, on which they are put into the tunnel.
    public func setSegmenter(entrance: Int32, exit: Int32) throws(DataPlaneError) {
        try Result { () throws(BPFError) in
            let program = try load(0, ["fa_mobile_segmented"], hasLinkHeader: true).program("fa_mobile_segmented")
            try TrafficControlHook(interface: exit, direction: .ingress).attach(program)
            let path = pins.filter(exit, .ingress)
            try BPFFileSystem.unpin(path)
            try program.pin(at: path)
        }.unwrapped()
        state.withLock { $0.segmenter = entrance }
    }

    /// Takes the programs off the port's interface; nothing happens if there are none.
    public func detach(_ index: PortIndex) throws(DataPlaneError) {
        guard let port = port(index) else { return }
        try Result { () throws(BPFError) in
            for direction in TrafficControlHook.Direction.allCases {
                _ = try pins.removeFilter(port.interfaceIndex, direction)
                try BPFFileSystem.unpin(pins.filter(port.interfaceIndex, direction))
            }
            let path = pins.link(port.name)
            if let link = try XDPLink.pinned(at: path), link.isAlive() { try link.detach() }
            try BPFFileSystem.unpin(path)
        }.unwrapped()
    }

    private var pins: InstancePins { InstancePins(folder: options.linkFolder) }

    private func attachLink(_ index: PortIndex, _ port: Port) throws(BPFError) -> ProgramAttachment {
        let name = port.role.programs[0]
        let program = try load(index, port).program(name)
        let path = pins.link(port.name)
        var attachment = ProgramAttachment(
            port: index, interface: port.name, programs: [name], mode: .native, hasReplaced: false)
        if let link = try XDPLink.pinned(at: path) {
            if link.interface == port.interfaceIndex && link.isAlive() {
                try link.replace(with: program)
                keep(program, of: index)
                attachment.mode = link.mode == .native ? .native : .generic
                attachment.hasReplaced = true
                return attachment
            }
            // The interface vanished, and with it the link; another one has its name now.
            try BPFFileSystem.unpin(path)
        }
        let link = try XDPLink(attaching: program, to: port.interfaceIndex)
        try link.pin(at: path)
        keep(program, of: index)
        attachment.mode = link.mode == .native ? .native : .generic
        attachment.fallback = link.fallback
        return attachment
    }

    private func keep(_ program: consuming BPFProgram, of index: PortIndex) {
        let attached = AttachedProgram(program)
        state.withLock { $0.attached[index] = attached }
    }

    private func attachFilters(_ index: PortIndex, _ port: Port) throws(BPFError) -> ProgramAttachment {
        let loaded = try load(index, port)
        var attachment = ProgramAttachment(
            port: index, interface: port.name, programs: port.role.programs, mode: .tc, hasReplaced: false)
        for (name, direction) in zip(port.role.programs, [TrafficControlHook.Direction.egress, .ingress]) {
            let program = try loaded.program(name)
            let hook = TrafficControlHook(interface: port.interfaceIndex, direction: direction)
            if hook.programIdentifier() != nil { attachment.hasReplaced = true }
            try hook.attach(program)
            let path = pins.filter(port.interfaceIndex, direction)
            try BPFFileSystem.unpin(path)
            try program.pin(at: path)
        }
        return attachment
    }

    /// An instance of the programs of its own for this port, over the shared maps.
    /// - Parameter transmits: whether the interface's driver sends a frame back by itself (`XDP_TX`); `nil`:
    ///   if it is a device's, not a virtual one's.
    func load(_ index: PortIndex, _ port: Port, transmits: Bool? = nil) throws(BPFError) -> LoadedBPFObject {
        let isDevice = access("/sys/class/net/\(port.name)/device", F_OK) == 0
        // A link without link layer addresses has no header in front of its packets.
        return try load(
            index, port.role.programs, hasLinkHeader: port.role != .mobile || port.mac != .zero,
            transmits: port.role != .mobile && (transmits ?? isDevice))
    }

    func load(
        _ index: PortIndex, _ programs: [String], hasLinkHeader: Bool, transmits: Bool = false
    ) throws(BPFError) -> LoadedBPFObject {
        var object = try BPFObject(path: objectPath)
        for (name, handle) in maps.handles { try object.reuse(handle, as: name) }
        if options.program == .accessRouter, let configuration = maps.handles["fa_config"] {
            try object.reuse(configuration, as: ".data.fa_config")
        }
        try object.setConstant("fa_port_index", to: index)
        if transmits { try object.setConstant("fa_port_transmits", to: UInt32(1)) }
        if !hasLinkHeader { try object.setConstant("fa_link_header", to: UInt32(0)) }
        if let segmenter = state.withLock({ $0.segmenter }) {
            try object.setConstant("fa_segmenter", to: UInt32(segmenter))
        }
        try object.select(programs: programs)
        return try object.load()
    }

    // MARK: Unloading

    /// Takes all programs off their interfaces and removes all tables of this instance. What this object
    /// still holds is in use by nobody afterwards.
    /// - Returns: what was removed.
    @discardableResult
    public func unload() throws(DataPlaneError) -> [String] {
        try Self.remove(options)
    }

    /// The same for an instance that no daemon has open.
    /// - Throws: ``DataPlaneError/inUse(path:)`` if one has.
    @discardableResult
    public static func unload(_ options: Options) throws(DataPlaneError) -> [String] {
        guard access(options.folder, F_OK) == 0 else { return [] }
        let lock = try InstanceLock.take(options.folder)
        defer { lock.release() }
        return try remove(options)
    }

    private static func remove(_ options: Options) throws(DataPlaneError) -> [String] {
        try Result { () throws(BPFError) in
            guard BPFFileSystem.isMounted(at: options.root) else { return [] }
            var removed = try InstancePins(folder: options.linkFolder).removeAll()
            removed += BPFFileSystem.contents(of: options.mapFolder).map { "map \($0)" }
            try BPFFileSystem.remove(options.folder)
            // The folder of all instances goes with the last one.
            let parent = options.root + "/flowanchor"
            if BPFFileSystem.contents(of: parent).isEmpty { try BPFFileSystem.remove(parent) }
            return removed
        }.unwrapped()
    }
}

extension PortRole {
    /// Names of its programs in the object; a mobile node's are for egress and ingress.
    var programs: [String] {
        switch self {
        case .access: ["fa_access"]
        case .core: ["fa_core"]
        case .serverInside, .serverOutside, .serverOneLeg: ["fa_server"]
        case .mobile: ["fa_mobile_egress", "fa_mobile_ingress"]
        }
    }
}
