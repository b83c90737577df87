import CBPF
import Glibc

/// One direction of an interface's clsact queueing discipline, where socket buffers meet programs.
public struct TrafficControlHook: Hashable, Sendable {
    public enum Direction: String, Hashable, Sendable, CaseIterable {
        case ingress, egress
    }

    public let interface: Int32
    public let direction: Direction

    /// Ours among an interface's filters: an ordinary number that is unlikely to be anyone else's.
    private static let ownPriority: UInt32 = 0x4346
    private static let handle: UInt32 = 1

    private let priority: UInt32

    public init(interface: Int32, direction: Direction) {
        self.init(interface: interface, direction: direction, priority: Self.ownPriority)
    }

    init(interface: Int32, direction: Direction, priority: UInt32) {
        self.interface = interface
        self.direction = direction
        self.priority = priority
    }

    /// Whether nobody's filter is left on the interface, in either direction, so that its clsact queueing
    /// discipline serves nobody.
    public static func isUnused(on interface: Int32) throws(BPFError) -> Bool {
        for direction in Direction.allCases
        where try TrafficControlFilters.count(on: interface, direction) > 0 {
            return false
        }
        return true
    }

    /// Attaches the program, or puts it in the place of the one that was attached this way before:
    /// each packet meets one of them. Other filters on the interface stay.
    public func attach(_ program: borrowing BPFProgram) throws(BPFError) {
        try create()
        var hook = self.hook
        var options = filter
        options.prog_fd = program.descriptor.raw
        options.flags = BPF_TC_F_REPLACE.rawValue
        let (status, log) = LibraryLog.capture { bpf_tc_attach(&hook, &options) }
        guard status == 0 else {
            throw BPFError("attach", "\(program.name) to \(description)", code: status, log: log)
        }
    }

    /// Takes the program off; nothing happens if there is none.
    public func detach() throws(BPFError) {
        var hook = self.hook
        var options = filter
        let (status, log) = LibraryLog.capture { bpf_tc_detach(&hook, &options) }
        let isGone = [ENOENT, ENODEV, EINVAL].contains(-status)
        guard status == 0 || isGone else { throw BPFError("detach from", description, code: status, log: log) }
    }

    /// The kernel's number of the program that was attached this way; `nil` for none.
    public func programIdentifier() -> UInt32? {
        var hook = self.hook
        var options = filter
        let (status, _) = LibraryLog.capture { bpf_tc_query(&hook, &options) }
        return status == 0 ? options.prog_id : nil
    }

    /// Removes the queueing discipline of the interface with all its filters, in both directions.
    /// - Returns: whether there was one.
    @discardableResult
    public static func removeAll(from interface: Int32) throws(BPFError) -> Bool {
        var hook = TrafficControlHook(interface: interface, direction: .ingress).hook
        hook.attach_point = bpf_tc_attach_point(BPF_TC_INGRESS.rawValue | BPF_TC_EGRESS.rawValue)
        let (status, log) = LibraryLog.capture { bpf_tc_hook_destroy(&hook) }
        if [ENOENT, ENODEV, EINVAL].contains(-status) { return false }
        guard status == 0 else {
            throw BPFError("remove clsact from", InterfaceName.describe(interface), code: status, log: log)
        }
        return true
    }

    private func create() throws(BPFError) {
        var hook = self.hook
        let (status, log) = LibraryLog.capture { bpf_tc_hook_create(&hook) }
        guard status == 0 || status == -EEXIST else {
            throw BPFError("add clsact to", InterfaceName.describe(interface), code: status, log: log)
        }
    }

    private var hook: bpf_tc_hook {
        var hook = bpf_tc_hook()
        hook.sz = optionsSize(endingWith: \bpf_tc_hook.parent)
        hook.ifindex = interface
        hook.attach_point = direction == .ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS
        return hook
    }

    private var filter: bpf_tc_opts {
        var options = bpf_tc_opts()
        options.sz = optionsSize(endingWith: \bpf_tc_opts.priority)
        options.handle = Self.handle
        options.priority = priority
        return options
    }

    private var description: String { "\(InterfaceName.describe(interface)) \(direction.rawValue)" }
}
