import FlowAnchorABI

/// `fa_chains`: the server chains that are set, by number.
struct ChainsView: MapView {
    typealias Record = (index: Int, chain: fa_chain)

    let maps: SharedMaps

    func scan(_ body: (Record) -> Bool) {
        for index in 1..<maps.chains.count {
            let chain = maps.chains[index]
            guard chain.flags != 0 || chain.up != 0 || chain.down != 0 else { continue }
            if !body((index, chain)) { return }
        }
    }

    func matcher(_ key: String) throws(DataPlaneError) -> (Record) -> Bool {
        let number = try KeyText.number(key, of: "a server chain")
        return { $0.index == number }
    }

    func entry(_ record: Record) -> MapEntry { MapEntry(key: "\(record.index)", fields: record.chain.fields) }
}

extension fa_chain {
    var fields: [String: String] {
        guard flags == 0 else {
            return ["flags": FieldText.flags(flags, [FA_CHAIN_REFUSE: "refuse", FA_CHAIN_BYPASS: "bypass"])]
        }
        return ["up": "\(up)", "down": "\(down)"]
    }
}
