import CNetlink
import Glibc

/// A network namespace, held by a file descriptor. An anonymous one is gone with the last reference to it:
/// this object, the sockets opened in it and the processes that run in it.
public final class NetworkNamespace: Sendable {
    /// Refers to the namespace; usable with setns(2) and as `/proc/<pid>/fd/<number>`. Closed with this object.
    public let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// A namespace that has a name or a process: `/run/netns/<name>`, `/proc/<pid>/ns/net`.
    public convenience init(path: String) throws(NetlinkError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw NetlinkError(operation: "open network namespace", object: path, code: errno)
        }
        self.init(descriptor: descriptor)
    }

    /// The namespace of the calling thread.
    public static func current() throws(NetlinkError) -> NetworkNamespace {
        try NetworkNamespace(path: "/proc/thread-self/ns/net")
    }

    /// A new, empty namespace without a name. Needs CAP_SYS_ADMIN.
    public static func anonymous() throws -> NetworkNamespace {
        try onOwnThread {
            guard unshare(CLONE_NEWNET) == 0 else {
                throw NetlinkError(operation: "make", object: "a network namespace", code: errno)
            }
            return try current()
        }
    }

    /// Runs `body` inside the namespace, on a thread made for it, and waits until it returns: sockets that it opens,
    /// processes that it starts and files that it opens below /proc/sys/net belong to the namespace.
    /// The calling thread's own namespace never changes.
    public func run<Value>(_ body: () throws -> Value) throws -> Value {
        try NetworkNamespace.onOwnThread {
            guard setns(self.descriptor, CLONE_NEWNET) == 0 else {
                throw NetlinkError(operation: "enter", object: "network namespace \(self.descriptor)", code: errno)
            }
            return try body()
        }
    }

    /// A thread that changed its namespace must not serve anything else afterwards, so each job gets its own.
    private static func onOwnThread<Value>(_ body: () throws -> Value) throws -> Value {
        try withoutActuallyEscaping(body) { body in
            var result: Result<Value, any Error>?
            let job = Unmanaged.passRetained(Job { result = Result(catching: body) })
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { context in
                    Unmanaged<Job>.fromOpaque(context!).takeUnretainedValue().work()
                    return nil
                }, job.toOpaque())
            if code == 0 { pthread_join(thread, nil) }
            job.release()
            guard let result else {
                throw NetlinkError(operation: "start", object: "a thread for a network namespace", code: code)
            }
            return try result.get()
        }
    }

    private final class Job {
        let work: () -> Void
        init(_ work: @escaping () -> Void) { self.work = work }
    }
}
