import BPFKit
import FlowAnchorABI
import NetworkTypes

extension KernelDataPlane {
    /// The configuration that an instance's programs run by, without opening the instance.
    /// - Returns: `nil` if there is none, or it is another version's.
    public static func pinnedConfiguration(
        of instance: String, root: String = BPFFileSystem.standardRoot
    ) -> DataPlaneConfiguration? {
        let path = Options(instance: instance, root: root).mapFolder + "/fa_config"
        guard let handle = try? BPFMapHandle.pinned(at: path), let map: BPFMap<UInt32, fa_config> = try? handle.typed(),
            let config = try? map.value(0), config.abi == UInt32(FA_ABI_VERSION)
        else { return nil }
        return DataPlaneConfiguration(config)
    }

    /// Takes out translated flows that are over their time, in a part of the table; parts follow each other from place
    /// 0 to the end. Not for a queue that others wait for: where mappings end, it waits for programs that run.
    /// - Parameters:
    ///   - timeouts: how long flows stay.
    ///   - place: where to begin, 0 at first.
    ///   - count: places to go through.
    public func expireTranslations(
        _ timeouts: NATTimeouts, from place: Int, places count: Int
    ) throws(DataPlaneError) -> NATPass {
        nat.expire(NATTicks(timeouts, clock), now: try tick(), from: place, places: count)
    }

    /// Calls `body` with the translated flows in a part of the table until it returns `false`. Flows that come or go
    /// meanwhile may or may not be among them.
    /// - Returns: where to go on; `nil` at the end, or when `body` has had enough.
    public func scanTranslatedFlows(
        from place: Int = 0, places count: Int = .max, _ body: (NATFlow) -> Bool
    ) throws(DataPlaneError) -> Int? {
        let now = try tick()
        return nat.scanFlows(from: place, places: count, idle: { clock.age(of: $0, at: now) }, body)
    }
}
