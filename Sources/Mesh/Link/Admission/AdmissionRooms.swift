internal import Wire

/// Handshakes that were admitted and are not over: who takes how much of which room.
struct AdmissionRooms: Sendable {
    /// Which room a handshake is in, and whose share of it it takes.
    enum Place: Sendable, Hashable {
        case open(AdmissionSource)
        case member(NodeID)
        case join(keyID: [UInt8])
    }

    private var places: [UInt64: Place] = [:]
    private var shares: [Place: Int] = [:]
    private var open = 0
    private var members = 0
    private var joiners = 0

    var count: Int { places.count }

    /// Whether the room has a place for one more of this share.
    func has(_ place: Place) -> Bool {
        let share = shares[place] ?? 0
        return switch place {
        case .open:
            open < AdmissionLimits.openRoom && share < AdmissionLimits.openRoomPerSource
        case .member:
            members < AdmissionLimits.memberRoom && share < AdmissionLimits.memberRoomPerNode
        case .join:
            joiners < AdmissionLimits.joinRoom && share < AdmissionLimits.joinRoomPerTicket
        }
    }

    mutating func take(_ place: Place, for connection: UInt64) {
        places[connection] = place
        shares[place, default: 0] += 1
        count(place, 1)
    }

    mutating func release(_ connection: UInt64) {
        guard let place = places.removeValue(forKey: connection) else { return }
        let left = (shares[place] ?? 1) - 1
        shares[place] = left > 0 ? left : nil
        count(place, -1)
    }

    private mutating func count(_ place: Place, _ change: Int) {
        switch place {
        case .open: open += change
        case .member: members += change
        case .join: joiners += change
        }
    }
}
