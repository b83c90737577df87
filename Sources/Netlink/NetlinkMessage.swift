import CNetlink
import Glibc

/// A message being put together by libnl; freed when it goes out of scope.
struct NetlinkMessage: ~Copyable {
    let pointer: OpaquePointer

    /// Takes ownership of a message that libnl built.
    init(owning pointer: OpaquePointer) { self.pointer = pointer }

    /// An empty message of the given type.
    init(type: Int32, flags: Int32 = 0) {
        guard let pointer = nlmsg_alloc_simple(type, flags) else { fatalError("out of memory") }
        self.pointer = pointer
    }

    /// A message built by one of libnl's `…_build_…_request` functions, which answer with a negative libnl code.
    init(
        operation: String, object: String, building build: (inout OpaquePointer?) -> Int32
    ) throws(NetlinkError) {
        var message: OpaquePointer?
        let code = build(&message)
        guard code >= 0, let message else {
            throw NetlinkError(
                operation: operation, object: object, code: EINVAL, cause: String(cString: nl_geterror(code)))
        }
        pointer = message
    }

    deinit { nlmsg_free(pointer) }

    var header: UnsafeMutablePointer<nlmsghdr> { nlmsg_hdr(pointer) }

    /// Puts a fixed structure behind the header.
    func append<Payload: BitwiseCopyable>(_ payload: Payload) {
        var payload = payload
        nlmsg_append(pointer, &payload, MemoryLayout<Payload>.size, Int32(NLMSG_ALIGNTO))
    }

    func put(attribute type: Int, _ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { nla_put(pointer, Int32(type), Int32($0.count), $0.baseAddress) }
    }

    func put(attribute type: Int, _ number: UInt32) { nla_put_u32(pointer, Int32(type), number) }
}

/// One message as received, valid only while the buffer is.
struct ReceivedMessage {
    let header: UnsafeMutablePointer<nlmsghdr>

    var type: Int32 { Int32(header.pointee.nlmsg_type) }
    var flags: Int32 { Int32(header.pointee.nlmsg_flags) }
    var payload: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: nlmsg_data(header), count: Int(nlmsg_datalen(header)))
    }

    /// The structure at the start of the payload; `nil` where the message is too short for it.
    func body<Body: BitwiseCopyable>(_: Body.Type) -> Body? {
        payload.count >= MemoryLayout<Body>.size ? payload.loadUnaligned(as: Body.self) : nil
    }

    /// Of an NLMSG_ERROR: the positive errno, 0 for an acknowledgement, and what the kernel says about it.
    var acknowledgement: (code: Int32, cause: String?) {
        guard let error = body(nlmsgerr.self) else { return (EBADMSG, "truncated acknowledgement") }
        guard flags & NLM_F_ACK_TLVS != 0 else { return (-error.error, nil) }
        let quoted = flags & NLM_F_CAPPED != 0 ? 0 : Int(error.msg.nlmsg_len) - MemoryLayout<nlmsghdr>.size
        let attribute = nlmsg_find_attr(
            header, Int32(MemoryLayout<nlmsgerr>.size + quoted), Int32(NLMSGERR_ATTR_MSG.rawValue))
        return (-error.error, attribute.map { String(cString: nla_get_string($0)) })
    }

    /// The object that libnl reads from the message, handed to `read`; `nil` where libnl cannot.
    func parse<Value>(_ read: (OpaquePointer) -> Value?) -> Value? {
        guard let message = nlmsg_convert(header) else { return nil }
        defer { nlmsg_free(message) }
        nlmsg_set_proto(message, NETLINK_ROUTE)
        var result: Value?
        withoutActuallyEscaping(read) { read in
            let job = Reader { result = read($0) }
            nl_msg_parse(
                message,
                { object, context in
                    guard let object, let context else { return }
                    Unmanaged<Reader>.fromOpaque(context).takeUnretainedValue().read(object)
                }, Unmanaged.passUnretained(job).toOpaque())
            withExtendedLifetime(job) {}
        }
        return result
    }

    private final class Reader {
        let read: (OpaquePointer) -> Void
        init(_ read: @escaping (OpaquePointer) -> Void) { self.read = read }
    }
}
