import CBPF
import Glibc

/// The reading end of a ring buffer into which programs write records.
public struct BPFRingBuffer: ~Copyable {
    private let handle: OpaquePointer
    private let receiver: Unmanaged<Receiver>
    private let map: BPFMap<Void8, Void8>

    /// - Parameter receive: called with each record by ``poll(timeout:)`` and ``consume()``; the bytes
    ///   are valid during the call only.
    public init(
        _ map: consuming BPFMap<Void8, Void8>, receive: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
    ) throws(BPFError) {
        let name = map.description.name
        let descriptor = map.descriptor.raw
        let receiver = Unmanaged.passRetained(Receiver(receive))
        let (made, log) = LibraryLog.capture {
            let made = ring_buffer__new(
                descriptor,
                { context, data, size in
                    guard let context else { return 0 }
                    let record = UnsafeRawBufferPointer(start: data, count: size)
                    Unmanaged<Receiver>.fromOpaque(context).takeUnretainedValue().receive(record)
                    return 0
                }, receiver.toOpaque(), nil)
            return (made, errno)
        }
        guard let handle = made.0 else {
            receiver.release()
            throw BPFError("read ring buffer", "map \(name)", code: made.1, log: log)
        }
        self.handle = handle
        self.receiver = receiver
        self.map = map
    }

    deinit {
        ring_buffer__free(handle)
        receiver.release()
    }

    /// Readable when there are records: for a `DispatchSource` or another event loop.
    public var eventDescriptor: Int32 { ring_buffer__epoll_fd(handle) }

    /// Waits until there are records, at most so long, and hands them over.
    /// - Parameter timeout: in milliseconds; negative: without end.
    /// - Returns: how many there were.
    @discardableResult
    public borrowing func poll(timeout: Int32) throws(BPFError) -> Int {
        let count = ring_buffer__poll(handle, timeout)
        if count == -EINTR { return 0 }
        guard count >= 0 else { throw BPFError("poll ring buffer", "map \(map.description.name)", code: count) }
        return Int(count)
    }

    /// Hands over the records that there are, without waiting.
    /// - Returns: how many there were.
    @discardableResult
    public borrowing func consume() throws(BPFError) -> Int {
        let count = ring_buffer__consume(handle)
        guard count >= 0 else { throw BPFError("read ring buffer", "map \(map.description.name)", code: count) }
        return Int(count)
    }

    private final class Receiver: Sendable {
        let receive: @Sendable (UnsafeRawBufferPointer) -> Void

        init(_ receive: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) { self.receive = receive }
    }
}

/// Key and value of a map that has neither, such as a ring buffer.
public typealias Void8 = UInt8
