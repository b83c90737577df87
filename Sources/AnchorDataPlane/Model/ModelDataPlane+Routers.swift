extension ModelDataPlane {
    public func setRouter(_ index: Int, _ router: RouterEntry?) throws(DataPlaneError) {
        guard (0..<RouterEntry.limit).contains(index) else {
            throw .invalid("router \(index) is not within 0 and \(RouterEntry.limit - 1)")
        }
        tables.withLock { $0.routers[index] = router }
    }

    public var routers: [Int: RouterEntry] { tables.withLock { $0.routers } }
}
