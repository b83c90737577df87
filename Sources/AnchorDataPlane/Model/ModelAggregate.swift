/// Many packets as one, as the stack makes them for segmentation offload.
public struct ModelAggregate: Hashable, Sendable {
    /// Bytes that each segment carries behind its transport header.
    public var segmentSize: Int
    /// Packets on the wire that it stands for; 0 where nobody has counted them.
    public var segments: Int

    public init(segmentSize: Int, segments: Int) {
        self.segmentSize = segmentSize
        self.segments = segments
    }

    /// Packets on the wire, estimated where nobody has counted them.
    /// - Parameter frame: bytes of the aggregate with its link header.
    func packets(frame: Int) -> Int { segments > 0 ? segments : (frame + segmentSize - 1) / segmentSize }
}

/// Where a packet for a sequenced tunnel is on its way through the segmenter [0054].
public enum ModelCutting: Hashable, Sendable {
    /// There is no segmenter.
    case none
    /// In front of it.
    case ahead
    /// It has been cut: it comes in on the segmenter's other end, which is no port.
    case done
}
