import CBPF
import Glibc

/// Asks the kernel, over netlink, which filters an interface's clsact queueing discipline has.
enum TrafficControlFilters {
    /// How many filters there are in one direction.
    static func count(on interface: Int32, _ direction: TrafficControlHook.Direction) throws(BPFError) -> Int {
        let descriptor = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), NETLINK_ROUTE)
        guard descriptor >= 0 else { throw BPFError("open", "a netlink socket", code: errno) }
        let socket = Descriptor(descriptor)
        try request(socket, interface, direction)
        return try reply(socket)
    }

    private static func request(
        _ socket: borrowing Descriptor, _ interface: Int32, _ direction: TrafficControlHook.Direction
    ) throws(BPFError) {
        var header = nlmsghdr()
        header.nlmsg_len = UInt32(MemoryLayout<nlmsghdr>.size + MemoryLayout<tcmsg>.size)
        header.nlmsg_type = UInt16(RTM_GETTFILTER)
        header.nlmsg_flags = UInt16(NLM_F_REQUEST | NLM_F_DUMP)
        var message = tcmsg()
        message.tcm_ifindex = interface
        // TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS or TC_H_MIN_EGRESS)
        message.tcm_parent = direction == .ingress ? 0xffff_fff2 : 0xffff_fff3
        let bytes = withUnsafeBytes(of: header) { Array($0) } + withUnsafeBytes(of: message) { Array($0) }
        guard send(socket.raw, bytes, bytes.count, 0) == bytes.count else {
            throw BPFError("list the filters of", InterfaceName.describe(interface), code: errno)
        }
    }

    private static func reply(_ socket: borrowing Descriptor) throws(BPFError) -> Int {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 8)
        defer { buffer.deallocate() }
        var found = 0
        while true {
            let received = recv(socket.raw, buffer.baseAddress, buffer.count, 0)
            guard received > 0 else { throw BPFError("read the list of", "traffic control filters", code: errno) }
            var offset = 0
            while offset + MemoryLayout<nlmsghdr>.size <= received {
                let header = buffer.load(fromByteOffset: offset, as: nlmsghdr.self)
                let body = offset + MemoryLayout<nlmsghdr>.size
                switch Int32(header.nlmsg_type) {
                case NLMSG_DONE, NLMSG_ERROR:
                    return found
                case Int32(RTM_NEWTFILTER):
                    // A filter has a handle; the entry without one announces its priority.
                    if buffer.load(fromByteOffset: body, as: tcmsg.self).tcm_handle != 0 { found += 1 }
                default: break
                }
                offset += (max(Int(header.nlmsg_len), MemoryLayout<nlmsghdr>.size) + 3) & ~3
            }
        }
    }
}
