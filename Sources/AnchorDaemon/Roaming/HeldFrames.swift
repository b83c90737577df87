import AnchorDataPlane
import NetworkTypes

/// First frames of hosts whose former router is being asked for: sent on once it has answered. Bounded, so that nobody
/// fills memory with packets of hosts that nobody answers for (T3).
struct HeldFrames {
    struct Frame {
        var bytes: [UInt8]
        var port: PortIndex
    }

    /// Frames of one host, and of all: 50,000 packets/s for 80 ms.
    static let limitPerHost = 4096
    static let limit = 16384

    private var frames: [IPAddress: [Frame]] = [:]
    private var count = 0
    /// Frames that found no room.
    private(set) var dropped: UInt64 = 0

    func has(_ host: IPAddress) -> Bool { frames[host] != nil }

    mutating func add(_ frame: Frame, of host: IPAddress) {
        guard count < Self.limit, frames[host, default: []].count < Self.limitPerHost else {
            dropped += 1
            return
        }
        frames[host, default: []].append(frame)
        count += 1
    }

    /// In the order in which they came.
    mutating func take(_ host: IPAddress) -> [Frame] {
        let taken = frames.removeValue(forKey: host) ?? []
        count -= taken.count
        return taken
    }
}
