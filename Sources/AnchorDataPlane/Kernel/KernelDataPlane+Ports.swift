import BPFKit
import CAtomics
import FlowAnchorABI
import NetworkTypes

extension KernelDataPlane {
    public func setPort(_ index: PortIndex, _ port: Port?) throws(DataPlaneError) {
        guard index < Port.limit else { throw .invalid("port \(index) is above \(Port.limit - 1)") }
        if let port, port.addresses.count > Port.addressLimit {
            throw .invalid("\(port.name) has more than \(Port.addressLimit) addresses of its own")
        }
        let result = state.withLock { state -> Result<Void, BPFError> in
            let old = state.ports[index]
            guard old != port else { return .success(()) }
            if let port {
                state.paths.retain(port.nextUp)
                state.paths.retain(port.nextDown)
            }
            // What becomes an address of ours is looked at before it is one.
            setPlainDestinations(besides: state.addresses + (port?.addresses ?? []), state.configuration)
            maps.ports.rewrite(Int(index), with: port.map(fa_port.init) ?? fa_port())
            state.paths.setPort(index, port)
            state.ports[index] = port
            setPlainDestinations(besides: state.addresses, state.configuration)
            if let old {
                state.paths.release(old.nextUp)
                state.paths.release(old.nextDown)
            }
            return Result { () throws(BPFError) in try maps.devices.set(index, to: port?.interfaceIndex) }
        }
        try result.unwrapped()
    }

    public func port(_ index: PortIndex) -> Port? { state.withLock { $0.ports[index] } }

    public func setConfiguration(_ configuration: DataPlaneConfiguration) throws(DataPlaneError) {
        try configuration.check()
        state.withLock { state in
            let config = fa_config(configuration, addresses: state.addresses, over: maps.config[0])
            for path in configuration.namedPaths { state.paths.retain(path) }
            maps.config.rewrite(0, with: config)
            for path in state.configuration.namedPaths { state.paths.release(path) }
            state.configuration = configuration
        }
    }

    private func setPlainDestinations(besides addresses: [IPAddress], _ configuration: DataPlaneConfiguration) {
        var config = maps.config[0]
        config.plain_v4 = configuration.plainDestinations(besides: addresses).words
        maps.config.rewrite(0, with: config)
    }

    public var configuration: DataPlaneConfiguration { state.withLock { $0.configuration } }
}

extension BPFArrayRegion {
    /// Changes an entry that packets use: only the words that differ, each as a whole.
    func rewrite(_ index: Int, with value: Value) {
        let place = pointer(to: index)
        withUnsafeBytes(of: value) { bytes in
            for offset in Swift.stride(from: 0, to: bytes.count & ~7, by: 8) {
                let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                if ca_load_relaxed_u64(place + offset) != word { ca_store_release_u64(place + offset, word) }
            }
        }
    }
}

extension fa_port {
    init(_ port: Port) {
        self.init()
        role = port.role.rawValue
        ifindex = UInt32(port.interfaceIndex)
        next_up = port.nextUp
        next_down = port.nextDown
        mtu = port.mtu
        mac = port.mac.tuple
        address_count = UInt16(port.addresses.count)
        withUnsafeMutableBytes(of: &addresses) { bytes in
            for (index, address) in port.addresses.enumerated() {
                let place = index * MemoryLayout<fa_address>.stride
                bytes.storeBytes(of: fa_address(address), toByteOffset: place, as: fa_address.self)
            }
        }
    }

    /// The port that it describes; `nil` if it describes none.
    var port: Port? {
        guard let role = PortRole(rawValue: role) else { return nil }
        let addresses = withUnsafeBytes(of: addresses) { bytes in
            (0..<min(Int(address_count), Port.addressLimit)).map {
                bytes.load(fromByteOffset: $0 * MemoryLayout<fa_address>.stride, as: fa_address.self).address
            }
        }
        return Port(
            role: role, name: FieldText.interface(ifindex) ?? "", interfaceIndex: Int32(ifindex),
            mac: MACAddress(mac), mtu: mtu, addresses: addresses, nextUp: next_up, nextDown: next_down)
    }
}
