import CBPF
import Glibc

/// Where a driver runs an XDP program.
public enum XDPMode: String, Hashable, Sendable, Codable {
    /// In the driver, before the kernel makes a socket buffer.
    case native
    /// In the kernel's generic receive path: works with every driver, and is slow.
    case generic
}

/// An XDP program on an interface. It lasts as long as this value, or its pin.
public struct XDPLink: ~Copyable, Sendable {
    /// The interface's index; 0 once the interface has vanished.
    public let interface: Int32
    public let mode: XDPMode
    /// Why it isn't native, for the log; `nil` if it is or that isn't known.
    public let fallback: BPFError?
    let descriptor: Descriptor

    /// Attaches a program, in the driver where that is possible.
    /// - Throws: if another program is there: it is named, and stays.
    public init(
        attaching program: borrowing BPFProgram, to interface: Int32, modes: [XDPMode] = [.native, .generic]
    ) throws(BPFError) {
        var refused: BPFError?
        for mode in modes {
            var options = bpf_link_create_opts()
            options.sz = optionsSize(endingWith: \bpf_link_create_opts.target_btf_id)
            options.flags = mode == .native ? UInt32(XDP_FLAGS_DRV_MODE) : UInt32(XDP_FLAGS_SKB_MODE)
            let raw = program.descriptor.raw
            let (made, log) = LibraryLog.capture {
                let made = bpf_link_create(raw, interface, BPF_XDP, &options)
                return (made, errno)
            }
            if made.0 >= 0 {
                descriptor = Descriptor(made.0)
                self.interface = interface
                self.mode = mode
                fallback = refused
                return
            }
            let object = "XDP program \(program.name) to \(InterfaceName.describe(interface)) (\(mode.rawValue))"
            if made.1 == EBUSY || made.1 == EEXIST {
                throw BPFError("attach", object, code: made.1, log: log, nextStep: Self.whoIsThere(interface))
            }
            refused = BPFError("attach", object, code: made.1, log: log)
        }
        throw refused ?? BPFError("attach", "XDP program \(program.name) in no mode at all", code: EINVAL)
    }

    private init(_ descriptor: consuming Descriptor, interface: Int32, mode: XDPMode) {
        self.descriptor = descriptor
        self.interface = interface
        self.mode = mode
        fallback = nil
    }

    /// Opens a pinned link.
    /// - Returns: `nil` if nothing is pinned there.
    public static func pinned(at path: String) throws(BPFError) -> XDPLink? {
        guard let descriptor = try Descriptor.pinned(at: path) else { return nil }
        let information = try descriptor.information(bpf_link_info(), of: path)
        guard information.type == BPF_LINK_TYPE_XDP.rawValue else {
            throw BPFError("use as an XDP link", path, code: EINVAL)
        }
        let interface = Int32(information.xdp.ifindex)
        let mode: XDPMode = interface != 0 && XDPProgramInfo.on(interface)?.mode == .generic ? .generic : .native
        return XDPLink(descriptor, interface: interface, mode: mode)
    }

    /// Whether its interface still exists.
    public borrowing func isAlive() -> Bool {
        guard let information = try? descriptor.information(bpf_link_info(), of: "XDP link") else { return false }
        return information.xdp.ifindex != 0
    }

    /// The kernel's number of the program that it runs.
    public borrowing func programIdentifier() throws(BPFError) -> UInt32 {
        try descriptor.information(bpf_link_info(), of: "XDP link").prog_id
    }

    /// Puts another program in the place of the current one: each packet meets one of them, none is missed.
    public borrowing func replace(with program: borrowing BPFProgram) throws(BPFError) {
        let status = bpf_link_update(descriptor.raw, program.descriptor.raw, nil)
        guard status == 0 else {
            throw BPFError(
                "replace the XDP program on", "\(InterfaceName.describe(interface)) by \(program.name)", code: status)
        }
    }

    /// Keeps the program on the interface after this process ends.
    public borrowing func pin(at path: String) throws(BPFError) { try descriptor.pin(at: path) }

    /// Takes the program off the interface now, whoever else holds the link.
    public borrowing func detach() throws(BPFError) {
        let status = bpf_link_detach(descriptor.raw)
        guard status == 0 else {
            throw BPFError("detach XDP from", InterfaceName.describe(interface), code: status)
        }
    }

    private static func whoIsThere(_ interface: Int32) -> String {
        guard let found = XDPProgramInfo.on(interface) else { return "another program is attached" }
        let name = InterfaceName.describe(interface)
        return "XDP program '\(found.name)' (id \(found.identifier)) is on \(name) and is left alone; "
            + "if it isn't needed: ip link set dev \(name) xdp off"
    }
}

/// The XDP program that an interface has.
public struct XDPProgramInfo: Hashable, Sendable {
    public let identifier: UInt32
    public let name: String
    public let mode: XDPMode

    /// - Returns: `nil` if the interface has none.
    public static func on(_ interface: Int32) -> XDPProgramInfo? {
        var options = bpf_xdp_query_opts()
        options.sz = optionsSize(endingWith: \bpf_xdp_query_opts.attach_mode)
        guard bpf_xdp_query(interface, 0, &options) == 0 else { return nil }
        let candidates = [options.drv_prog_id, options.hw_prog_id, options.skb_prog_id, options.prog_id]
        guard let identifier = candidates.first(where: { $0 != 0 }) else { return nil }
        let mode: XDPMode = identifier == options.skb_prog_id ? .generic : .native
        return XDPProgramInfo(
            identifier: identifier, name: BPFProgram.describe(identifier) ?? "gone meanwhile", mode: mode)
    }
}

enum InterfaceName {
    /// Its name, or its number where it has gone.
    static func describe(_ index: Int32) -> String {
        var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE) + 1)
        guard index > 0, if_indextoname(UInt32(index), &name) != nil else { return "interface \(index)" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
