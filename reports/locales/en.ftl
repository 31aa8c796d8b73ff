# Sheets
sheet-cover = Cover
sheet-totals = Totals
sheet-days = By day
sheet-rules-sums = By rule
sheet-kpis = KPIs
sheet-ledger = Ledger
sheet-corrections = Corrections
sheet-rules = Rules
page = page
heading = { $team } · { $period }
no-value = –
sum = Total

# Cover
cover-title = Discipline results
cover-company = Company
cover-team = Team
cover-team-key = Team key
cover-period = Period
cover-state = State
cover-timezone = Time zone
cover-approved = Approved by
cover-approved-at = Approved at
cover-exported = Exported by
cover-exported-at = Exported at
cover-digest = Digest of the last day
cover-section-money = Value of a point
cover-currency = Currency
cover-base = Base
cover-per-point = Per plus point
cover-per-penalty-point = Bonus reduction per minus point
cover-floor = Not less than
cover-cap = Not more than
cover-no-cap = no limit
cover-money-note = Bonus = base + for plus points − bonus reduction, within the limits given. Minus points lower the bonus alone, never the salary.
cover-section-sums = Team totals
cover-managers = Managers
cover-workdays = Working days
cover-scored-days = Of them scored
cover-plus = Plus points
cover-minus = Minus points
cover-total = Total points
cover-discipline = Discipline
cover-payout = Bonuses to pay
cover-disputes = Open disputes
cover-section-rulebooks = Rulebook versions
cover-rulebook-days = { $first } – { $last }
cover-section-unscored = Days not scored
cover-unscored-none = none
cover-section-rehearsed = Scored with a given time (--at)

state-open = open
state-approved = approved
state-locked = locked

# Totals
totals-name = Manager
totals-crm-user = CRM ID
totals-workdays = Working days
totals-scored = Scored
totals-excused = Excused
totals-unscored = Not scored
totals-kept = Rules kept
totals-broken = Rules broken
totals-plus = Plus points
totals-minus = Minus points
totals-corrections = Of them corrections
totals-total = Total points
totals-discipline = Discipline, %
totals-bonus = For plus points, { $currency }
totals-penalty = Bonus reduction, { $currency }
totals-payout = Bonus to pay, { $currency }
totals-disputes = Open disputes

# By day
days-total = Total
days-earlier = Earlier months
days-legend = { day-mark-excused }: excused, { day-mark-unscored }: no data, empty: not scored
day-mark-excused = abs
day-mark-unscored = n/d

# By rule
rule = Rule
rule-kpi = KPI
rule-kept = Kept
rule-broken = Broken
rule-excused = Excused
rule-not-applicable = Not applicable
rule-no-data = No data
rule-points = Points
rule-discipline = Discipline, %
rule-adjustments = By hand
rule-most-broken = Broken most by

# KPIs
kpis-days = Days with data
kpis-state = { $kpi } (as at the last day)
kpis-not-available = n/a

# Ledger
ledger-seq = No.
ledger-day = Day
ledger-booked = Booked in
ledger-kind = Entry
ledger-outcome = Outcome
ledger-value = Value
ledger-bound = Bound
ledger-points = Points
ledger-reverses = Reverses no.
ledger-author = Author
ledger-reason = Reason
ledger-evidence = Evidence
ledger-evidence-more = { $items } … and { $count } more
ledger-rulebook = Rulebook
ledger-created = Recorded at
ledger-hash = Hash

kind-score = score
kind-reversal = reversal
kind-correction = correction
kind-adjustment = by hand
kind-dispute = open dispute

outcome-kept = kept
outcome-broken = broken
outcome-excused = excused
outcome-not_applicable = not applicable
outcome-no_data = no data

# Rules
rules-version = Version
rules-first = First day
rules-last = Last day
rules-bound = Condition
rules-limit = Bound
rules-per-deals = For every N deals
rules-currency = Currency
rules-reward = When kept
rules-penalty = When broken
rules-observed = Observed only
bound-at_least = at least
bound-at_most = at most
yes = yes
no = no


cause-incomplete = the CRM did not answer in full
cause-late = read too late
cause-changed = changed after the cutoff
cause-unknown_user = the CRM does not know the user
cause-rights = the key lacks rights in the CRM
cause-malformed = a record of unexpected form
cause-unanswered = zero for everybody for 20 working days, nobody has said why
cause-not_asked = not asked for
cause-no-run = no run took place

# Pictures
chart-per-day = points a day
chart-row-points = { $points ->
    [one] { $shown } point
   *[other] { $shown } points
}
chart-days = { $days ->
    [one] { $days } day
   *[other] { $days } days
}
chart-unnamed = Employee { $id }
chart-team-discipline = Team discipline
chart-discipline = { $value }%
chart-break-even-percent = break-even: { $percent }
chart-scale = bar from { $low } to { $high } a day
chart-apart = Too few scored days
chart-more = and { $count } more
chart-empty = No scored days yet
chart-own-discipline = Discipline
chart-before = before { $percent }
chart-scored-days = scored: { $days }
chart-day-points = Points of the day
chart-day-points-team = Points of the day per person
chart-all-kept = all rules kept
chart-all-broken = all broken
chart-break-even = break-even
chart-this = this period
chart-period-before = the period before
chart-broken-times = broken: { $n } of { $total }
chart-days-of = { $days ->
    [one] { $days } day
   *[other] { $days } days
}
chart-kept = kept
chart-broken = broken
chart-broken-by = broken by (people)
chart-excused = absence
chart-unread = not read

nameless = No name, no. { $id }
