import FlowAnchorABI
import NetworkTypes

extension KernelDataPlane {
    public func path(for specification: PathSpecification) throws(DataPlaneError) -> PathIndex {
        if let port = specification.nextHop.port, port >= Port.limit {
            throw .invalid("port \(port) of a path is above \(Port.limit - 1)")
        }
        if let encapsulation = specification.encapsulation {
            if let destination = encapsulation.destination, destination.isV4 != encapsulation.source.isV4 {
                throw .invalid("a tunnel from \(encapsulation.source) to \(destination) mixes address families")
            }
            if let dscp = encapsulation.dscp, dscp > 63 { throw .invalid("DSCP \(dscp) is above 63") }
        }
        let result = state.withLock { state in
            Result { () throws(DataPlaneError) in try state.paths.index(for: specification) }
        }
        return try result.get()
    }

    public func setNextHop(_ nextHop: NextHop, _ resolution: NextHopResolution) throws(DataPlaneError) {
        guard case .neighbour = nextHop else {
            throw .invalid("only a neighbour's link address is resolved, not that of \(nextHop)")
        }
        state.withLock { $0.paths.setNextHop(nextHop, resolution) }
    }

    public var paths: [PathEntry] { state.withLock { $0.paths.all } }

    public func setChain(_ index: ChainIndex, _ chain: ServerChain) throws(DataPlaneError) {
        guard index > 0, Int(index) < maps.chains.count else {
            throw .invalid("server chain \(index) is not within 1 and \(maps.chains.count - 1)")
        }
        let result = state.withLock { state -> Result<Void, DataPlaneError> in
            var new = fa_chain()
            switch chain {
            case .bypass: new.flags = FA_CHAIN_BYPASS
            case .refuse: new.flags = FA_CHAIN_REFUSE
            case .through(let up, let down):
                for path in [up, down] where !state.paths.exists(path) {
                    return .failure(.invalid("server chain \(index): there is no path \(path)"))
                }
                new.up = up
                new.down = down
                state.paths.retain(up)
                state.paths.retain(down)
            }
            let old = maps.chains[Int(index)]
            maps.chains.rewrite(Int(index), with: new)
            if old.flags == 0 {
                state.paths.release(old.up)
                state.paths.release(old.down)
            }
            return .success(())
        }
        try result.get()
    }

    public func chain(_ index: ChainIndex) -> ServerChain {
        guard Int(index) < maps.chains.count else { return .bypass }
        let chain = maps.chains[Int(index)]
        if chain.flags & FA_CHAIN_REFUSE != 0 { return .refuse }
        if chain.flags & FA_CHAIN_BYPASS != 0 || chain.up == 0 { return .bypass }
        return .through(up: chain.up, down: chain.down)
    }
}
