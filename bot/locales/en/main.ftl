## Words that occur everywhere

points = { $n ->
    [one] { $shown } point
   *[other] { $shown } points
}
percent = { $shown }%
of-rules = { $total ->
    [one] { $kept } of { $total } rule
   *[other] { $kept } of { $total } rules
}
days = { $n ->
    [one] { $n } day
   *[other] { $n } days
}
workdays-so-far = { $n ->
    [one] { $n } working day so far
   *[other] { $n } working days so far
}
workdays = { $n ->
    [one] { $n } working day
   *[other] { $n } working days
}
deals = { $n ->
    [one] { $n } deal
   *[other] { $n } deals
}
people = { $n ->
    [one] { $n } person
   *[other] { $n } people
}
times = { $n ->
    [one] once
   *[other] { $n } times
}
thousands-1 = K
thousands-2 = M
thousands-3 = B
thousands-4 = T
other-currencies = + { $n ->
    [one] { $n } more currency
   *[other] { $n } more currencies
}
and-more = …and { $n } more
and-others = and { $n } more
and-other-people = and { $n ->
    [one] { $n } more person
   *[other] { $n } more people
}
none = none
open = open

## The evening message

day-head = { $weekday } · cutoff at { $clock }
day-sum = Result of the day: { $points } ({ $rules } kept)
day-sum-unscored = This day is not scored: { $why }. It costs nothing
unscored-unread = the CRM data could not be read
unscored-observed = all rules are only observed so far
unscored-unavailable = this CRM does not have these figures
unscored-unanswered = we are waiting to hear whether this is kept in the CRM
unscored-mixed = the rules are only observed, or this CRM does not have these figures
unscored-no-rules = no rule applies
day-sum-absent = Absent: this day is not scored
day-sum-off = Off by schedule: this day is not scored
day-sum-not_begun = Scoring has not begun: this day is not scored
day-sum-unruled = No points for this day: no rule is about you
not-applicable-line = For information only: { $rules }
excused-line = Not scored: { $rules } ({ $why })
excused-half_day = absent in the second half of the day
excused-small_part = the norm for a part of a day is less than one
excused-carried_over = broken only by what has cost points already
day-month = { $month } so far: { $points }
day-place = , place { $place } of { $total }
day-apart = , no place yet: too few scored days
day-digest = Ledger: { $digest }
day-streak = { $n ->
    [one] { $n } clean day
   *[other] { $n } clean days in a row
}
next-clean-day = { $n ->
    [one] { $n } rule
   *[other] { $n } rules
} short of a clean day
next-clean-day-of = { $day }: { $n ->
    [one] { $n } rule
   *[other] { $n } rules
} short of a clean day
next-break-even = { $n ->
    [one] { $n } point
   *[other] { $n } points
} short of break-even for { $month }
next-own-best = { $n ->
    [one] { $n } more clean day
   *[other] { $n } more clean days in a row
} to equal the best streak
line-at-least = { $kpi }: { $value } of { $bound }, { $lacking } more needed ({ $points })
line-at-least-met = { $kpi }: { $value }, at least { $bound } needed ({ $points })
line-at-most = { $kpi }: { $value } ({ $points })
line-at-most-bound = { $kpi }: { $value }, up to { $bound } allowed ({ $points })
short-at-least = { $kpi } { $value } of { $bound }
short-at-most = { $kpi } { $value }
short-at-most-bound = { $kpi } { $value } (up to { $bound } allowed)
mark-new = new
mark-carried = carried over
mark-spared-young = new deal, not counted yet
mark-spared-inherited = yours since this day, not counted yet
mark-spared-ignored = from the old backlog, not counted
mark-spared-appeared = appeared while you were away, not counted today
mark-spared-used = has cost points already
aside-line = { $kpi }: { $n } not counted
note-half-am = Absent in the first half of the day: half of each norm is asked for
note-half-pm = Absent in the second half of the day: half of each norm is asked for, what stands at the cutoff is not judged
points-begin = From { $day } these rules give and take points: { $rules }
note-newcomer = On probation: what is broken takes no points
mark-late = arrived after the cutoff before, counted on this day
mark-overdue = { $length } overdue (due { $moment })
mark-stage = { $days } in the stage
mark-fields = not filled in: { $names }
hours = { $n } h
minutes = { $n } min
field-price = Sale value
field-name = Name
field-responsible_user_id = Responsible user
call-from = from { $digits }
call-hidden = number withheld
no-data-line = Not read: { $rules } ({ $why }). No points lost
no-data-incomplete = the CRM did not return all the data
no-data-late = it was read too late
no-data-changed = it changed after the cutoff
no-data-unknown_user = the CRM does not know this user
no-data-rights = our key has no right to see it
no-data-malformed = a record in the CRM has an unexpected form
no-data-not_asked = it was not read
observed-rules = Only observed, no points: { $rules }
not-available-line = Not available in this CRM: { $rules }
unset-line = Not scored: { $rules }. { $why }
unset-deals_missing_fields = Nobody has said yet which fields are required (setting required_fields)
unset-lost_without_reason = Nobody has said yet which field holds the loss reason (setting loss_reason_field)
earlier-line = { $day }: { $points }
earlier-unscored = { $day }: not scored, it costs nothing
missed-head = While you were away
earlier-head = Missed days caught up
corrected-line = { $kpi }: corrected ({ $points })
correction-note = The score of { $day } was corrected: see the message
absence-note = An absence was recorded ({ $kind }): { $days }. Points of these days were taken back, these days are not scored
absence-half-note = Absence of half a day recorded ({ $kind }): { $days }. The day was judged anew
absence-cancelled-note = The absence was cancelled ({ $kind }): { $days }. These days were scored again from what was read at the cutoff
absence-kind-vacation = vacation
absence-kind-sick = sick leave
absence-kind-trip = business trip
absence-kind-day_off = day off
absence-kind-other = other
absence-reason = absence no. { $id } was recorded
absence-cancelled-reason = absence no. { $id } was cancelled
show-all = Show all
show-less = Show less
rules-button = Rules

## The reminder

reminder-head = { $minutes ->
    [one] { $minutes } minute to the cutoff
   *[other] { $minutes } minutes to the cutoff
}. If nothing changes, it will be { $points } instead of { $best }

## The group

group-unread = { $title } · { $weekday }: the day was not scored, the data could not be read from the CRM. Nobody loses points for it
group-nobody = { $title } · { $weekday }: nobody was scored
group-unscored-days = Not scored, nobody loses points for them: { $days }
group-private = That is personal: I answer in the private chat.
group-private-open = Open the private chat
pin-refused = { $title }: I am not allowed to pin the standings in the group. Give the bot the right to pin messages, and they will be pinned from the next day on. The message itself is kept up to date either way.
board-head = { $title } · { $weekday }
board-month = Leaders of { $month }
board-table = Standings of { $month }
board-pace = points per scored day
board-row = { $place }. { $name }: { $pace } a day, { $points }
board-day = { $weekday ->
    [0] Monday
    [1] Tuesday
    [2] Wednesday
    [3] Thursday
    [4] Friday
    [5] Saturday
   *[6] Sunday
} { $points }
board-discipline = Team discipline: { $percent }
board-apart = Too few scored days: { $names }
board-begins = Names begin on scored day { $day } of the month
board-tied = { $people } { $leading ->
   *[other] with
} { $n ->
    [one] { $shown } point
   *[other] { $shown } points
}
board-tied-pace = { $people } with { $pace } a day
board-more-people = { $n ->
    [one] { $n } more person
   *[other] { $n } more people
}
board-empty = No scored days yet
board-own = Your place: { $place } of { $total }, { $pace } a day, { $points }
board-own-apart = You have too few scored days for a place yet

## For the head

digest-head = { $title } · { $weekday } · cutoff at { $clock }
digest-discipline = Discipline of the day: { $percent }
digest-clean = Nothing broken: { $names }
digest-person = { $name }: { $points }
digest-earlier = { $day }: discipline { $percent }
digest-nobody = Nobody was scored on this day: { $why }
digest-nobody-at-work = nobody was at work
digest-absent = Absent: { $names }
digest-backlog = Old backlog, not counted yet: { $kpis }
digest-backlog-kpi = { $kpi } { $now } (was { $first })
digest-off = Off by schedule: { $names }
digest-not_begun = Not scored yet: { $names }
digest-unconnected = Not connected to the bot: { $names }
digest-unread-all = Nothing of this day could be read: no points either way.
digest-refused = The CRM “{ $connection }” does not let us in. We stop asking, so that access is not blocked. For the admin: check key and rights with reglament check
digest-unread = Not read: { $what }. Nobody lost points over it
delayed = { $title }: the score for { $day } is delayed: the CRM cannot be read yet. We keep trying until { $until }; what cannot be read costs no points
no-data = { $title }, { $day }: not everything could be read. Not scored, no points lost: { $what }. To test the CRM: reglament check
no-data-missing = { $kpis } ({ $reason })
unread-day = { $title }: nothing could be scored for { $day }. Nobody gains or loses points.
problem-unavailable = The CRM did not answer in time. Open it in a browser: if it does not open, write to its support. The next cutoff goes as usual.
problem-refused = The CRM does not let us in. For the admin: check key and rights with reglament check
problem-rights = The key lacks rights. For the admin: reglament check shows which
problem-nonsense = The CRM did not answer as its documentation says. For the admin: reglament check shows what is different
problem-fault = This is a mistake in the program, not in your data. For the admin: send the log of the service to whoever maintains the program.
problem-unknown = The cause is in the log of the service. For the admin: reglament check tests the CRM
problem-details = Details from the log
shrunken-users = The CRM “{ $connection }” no longer lists { $lost } of { $known } known people: { $names }
shrunken-deals = { $title }: the CRM “{ $connection }” shows no open deals; at the last reading there were { $known }
shrunken-tasks = { $title }: the CRM “{ $connection }” shows no tasks; at the last reading { $known } were overdue
shrunken-note = Until you confirm, this counts as not read: nobody leaves, no role is revoked, no points are lost.
shrunken-take = Yes, the list is right
shrunken-taken = Confirmed. The next reading takes the list.
rights-missing = The key of the CRM “{ $connection }” lacks a right or the plan does not offer it. { $title }: not scored and no points lost until that is mended: { $kpis }. All the rest is scored as usual. You are told this once; reglament check shows it at any time
no-data-unanswered = zero for everybody for 20 working days; we asked whether it is kept here
zero-question = { $title }: { $kpi } was zero for everybody for 20 working days. Is it kept in the CRM “{ $connection }” at all? Until you answer, this rule gives no points.
zero-kept = Yes, it is kept: score it
zero-absent = No, it is not kept here
zero-told-kept = Noted: zero is a fact, the rule gives points from the next day on.
zero-told-absent = Noted: the rule gives no points until the CRM shows a value.
alarm = The CRM “{ $connection }” does not let us in. We stop asking, so that access is not blocked. { $title }, { $day }: what was not read costs no points. Check the key and its rights: reglament check
digest-departed = { $name } is no longer active in the CRM and is not scored
departed-button = { $name }: what is left
departed = { $title }: { $name } is no longer active in the CRM and is not scored from this day on
departed-deals = { $n ->
    [one] { $n } open deal needs a new owner
   *[other] { $n } open deals need a new owner
} (as of the cutoff on { $day })
channel-off-manager = { $title }: { $name } no longer gets messages ({ $reason }). This does not affect the score. { $why ->
    [deactivated] A new account needs a new link: an admin makes one with /invite
    [not_found] A new chat needs a new link: an admin makes one with /invite
   *[other] To get messages again, they have to open the bot and press Start
}
channel-off-head = { $title }: the head { $name } no longer gets messages ({ $reason }), nor the daily results. { $why ->
    [deactivated] Name the new account or another head in the settings
    [not_found] Name the new account or another head in the settings
   *[other] Ask them to open the bot again and press Start, or name another head in the settings
}
channel-nameless = with Telegram id { $chat }
channel-off-group = { $title }: the group no longer gets messages ({ $reason }). { $why ->
    [no_rights] Allow the bot to write in the group
    [not_found] Add the bot to the new group of the team, and let an admin write /bind there
   *[other] Add the bot again, or let an admin choose another group: /bind
}
channel-blocked = the bot is blocked
channel-deactivated = the account was deleted
channel-never_started = the bot has not been started yet
channel-not_found = chat not found
channel-not_connected = not connected to the bot
channel-no_group = the team has no group
channel-off = the chat is off
channel-nothing_to_say_any_more = there was nothing left to say
channel-refused = Telegram did not accept the message
channel-kicked = the bot was removed from the group
channel-no_rights = the bot is not allowed to write in the group

## Commands

command-today = my score at the cutoff if nothing changes
command-me = my week and month
command-rules = the rules and what a point is worth
command-leaderboard = the leaderboard
command-team = the team now
command-week = the team's week
command-month = the team's month
command-who = all about one manager: /who Name
command-export = the workbook for payroll
command-health = service status
command-invite = who has not joined
command-bind = send results to this group
command-language = language
command-help = what the bot can do

help-head = What I can do
help-line = /{ $name } – { $what }
bot-description = Every working day at the cutoff I look at the CRM once, count points by the rules of the department and tell each person the result with the deals and tasks behind it. I work by invitation: ask your head of sales for a link.
bot-short-description = The day of a sales department by its rules: points, what to mend, the leaderboard. By invitation.
help-outro = Every working day at the cutoff I look at the CRM once and count points by the team's rules. The rules are the same for all: /rules

stranger = Hello! This bot works by invitation. Ask your head of sales for a link.
joined = { $name } has joined the bot. Account in Telegram: { $account }
joined-disconnect = Not them? Disconnect
joined-disconnected = { $name }: the chat is disconnected and has no rights any more. A new link: /invite
joined-over = This chat is disconnected already.
welcome-hello = Hello, { $name }!
welcome-team = “{ $title }” (cutoff at { $clock })
welcome-manager = <b>You are a manager</b>: { $teams }.
    Every working day after the cutoff you get your day: the points, and the deals they come from. If points were taken wrongly, the message has a button “I disagree”.
welcome-reminder = If something would cost points, a reminder comes { $n } min before the cutoff.
welcome-head = <b>You are a head</b>: { $teams }.
    Every working day after the cutoff you get one message: discipline, money at risk, who broke what, what could not be read, who left. You are told at once if the score is delayed, if somebody gets no messages any more, or disagrees with points taken: you decide.
welcome-hr = <b>You handle pay (HR)</b>: { $teams }.
    Nothing comes by itself: points and bonuses of a month come as a file when you ask.
welcome-owner = <b>You are the owner (admin)</b> and see all teams.
    You get alarms: the CRM refuses, a day was not scored, messages do not go out; and who joined the bot. Appeals come to you if nobody decides for two working days, or if a head disagrees. The digest of the day goes to the heads.
welcome-steps = What to do next:
welcome-step-invite = { $n ->
    [one] { $n } person has not joined: make a link with /invite
   *[other] { $n } people have not joined: make links with /invite
}
welcome-step-ask = { $n ->
    [one] { $n } person has not joined: ask an admin for a link
   *[other] { $n } people have not joined: ask an admin for links
}
welcome-step-bind = Add the bot to the department's group and write /bind there: the results go there
welcome-step-health = Is everything working: /health
welcome-step-team = How the team stands: /team and /week
welcome-step-export = The file of a month: /export
welcome-step-today = How your day stands: /today, what gives points: /rules
welcome-more = Everything you can ask: /help
welcome-back = Welcome back, { $name }! Messages are on again.
invite-question = An invitation for <b>{ $name }</b>. Is it you?
invite-yes = Yes, it is me
invite-no = No
invite-declined = All right, nothing has changed. If the link reached you by mistake, tell your head.
invite-unknown = This link does not work. Ask your head for a new one.
invite-expired = This link has expired: it is valid for 72 hours. Ask your head for a new one.
invite-used = This link has already been used. If that was not you, tell your head.
invite-other_chat = This person is already connected from another chat. If the phone has changed, ask an admin to unlink the old one.
invite-other_person = This chat already belongs to another person. Ask an admin.
invite-yours = You are already connected. What you can ask: /help

proof-stands = It matches: { $digest } belongs to “{ $title }”, { $day }. The entries of that day are the same as on that evening.
proof-broken = It does not match: { $digest } belongs to “{ $title }”, { $day }, but the entries of that day have been changed since. Tell the owner; reglament verify shows what was changed
proof-unknown = It does not match: no day has the digest { $digest }. The message or the ledger was changed.
proof-weak = A short digest of 12 digits, as before the journal: a weaker proof.
proof-unscored = { $kpi }: { $value }, not scored
proof-adjustment = Points by hand: { $points }

unknown-command = There is no such command. What I can do: /help
unknown-command-nearest = There is no such command. Did you mean /{ $name }? What I can do: /help
only-commands = I understand commands only. What I can do: /help
no-own-score = Your days are not scored, so you have no points of your own. What you can do: /help
not-yours = This is not available to you. What you can ask: /help
stale-button = This message is out of date. Open it again by its command.
too-often = Too many requests. Wait { $seconds } s
failed = I could not answer: the mistake is mine, not yours. Your score is not affected. Try again; if it happens again, tell an admin: logged as { $number }.
database-busy = The database is busy right now. Your score is not affected. Try again in a minute.
database-trouble = The database is in trouble right now. Your score is not affected: the day is counted when it is back. Try again in a few minutes; if it lasts, tell an admin: logged as { $number }.

today-head = { $weekday } · at the cutoff ({ $clock }) if nothing changes
today-sum = It will be { $points } ({ $rules } kept)
today-age = { $n ->
    [0] CRM data as of { $clock }
    [one] CRM data as of { $clock }, { $n } minute ago
   *[other] CRM data as of { $clock }, { $n } minutes ago
}
today-refresh = Refresh
today-reading = Reading the CRM…
today-too-close = The cutoff is very close, the CRM is being read for it. Please wait for the result.
today-unavailable = The CRM is not answering right now. Your score is not affected: only the cutoff counts. Try again in a few minutes.
today-old = The CRM is slow to answer. This is the latest we know:
today-nobody = You are not among the managers I see in the CRM.

me-head = { $title } · { $name }
me-week = Week: { $points }, discipline { $percent }
me-month = { $month }: { $points }, discipline { $percent }
me-streak = Clean days in a row: { $n }
me-none = No scored days yet
me-history = Day by day
me-day = { $day }: { $points }
trend-day = { $day }: { $points }, { $percent }
trend-rule-at_least = { $kpi } from { $limit }
trend-rule-at_most = { $kpi } up to { $limit }
trend-day-team = { $day }: { $mean } per person ({ $points }), { $percent }
me-day-excused = { $day }: absent or off
me-day-unscored = { $day }: not scored

quoted = “{ $text }”
rules-head = Rules · { $title }
rules-at-least = { $kpi }: at least { $bound }. Kept: { $reward }, broken: { $penalty }
rules-at-most = { $kpi }: at most { $bound }. Kept: { $reward }, broken: { $penalty }
rules-at-most-none = { $kpi }: none at all. Kept: { $reward }, broken: { $penalty }
rules-per-deals = for every { $n } open deals
rules-observed = { $kpi }: observed only, no points
rules-example = { $day }: kept by { $kept } of { $total }
rules-example-day = Example: on { $day } the department kept { $kept } and broke { $broken } rules, { $points } in all
rules-cutoff = The cutoff is at { $clock } on working days ({ $zone })
rules-window-cutoff = A day runs from cutoff to cutoff: what is entered after { $clock } or on a day off counts for the next working day
rules-window-day = A day runs from midnight to the cutoff: what is entered between { $clock } and midnight counts nowhere
rules-late = What the CRM learns late (a call, a meeting) counts once: at the first cutoff that shows it, if it happened in the window of that day or of the day before
rules-days-off = Next days off besides the usual ones: { $days }
rules-extra-days = Working days at weekends: { $days }
rules-short-days = Short days (earlier cutoff): { $days }
rules-meanings = How it counts
rules-whose = Deals and tasks count for whoever is responsible at the cutoff, calls for whoever spoke, meetings for whoever held them (if the CRM does not know, for the person responsible)
rules-alias = What the CRM has under user { $alias } counts for: { $person }
rules-companies-creator = A new company counts for whoever created it
rules-companies-owner = A new company counts for whoever is responsible for it
rules-deals-responsible = A deal won or lost counts for whoever is responsible at the cutoff
rules-deals-mover = A deal won or lost counts for whoever moved it to that stage, if a member of the team, else for whoever is responsible
rules-calls = A call counts if the talk took at least { $n } s
rules-missed = Missed calls count on working days, hours { $hours }
rules-missed-any = Missed calls count at any time
rules-meetings = Meetings are activities of these types: { $types }
rules-once = The same deal won or lost again within 14 days does not count a second time
rules-excluded = Deals of these funnels do not count: { $pipelines }
rules-stale = A deal is stale if it stays in one stage for more than { $n } working days
rules-comment = A deal needs a person's comment once it is older than { $n } h; days off do not count
rules-fields = Required fields: { $fields }
rules-fields-pipeline = Required fields in funnel { $pipeline }: { $fields }
rules-fields-stage = Required fields in funnel { $pipeline } from stage { $stage } on: { $fields }
rules-loss-reason = The reason of a loss is the field { $field }
rules-grace = A new deal has { $n } min of working time (hours { $hours }); until then it does not break: { $kpis }
rules-first-day = What came from a colleague broken already does not count on the new owner's first day
rules-roles = only the roles { $roles }
rules-until = in observation until { $day }
rules-launch-observe = Until { $day } all rules are in observation: shown, without points
rules-launch-ignore = What broke a rule at the launch already and is older than { $day } (deadline, stage or creation) does not count until it was once in order
rules-launch-once = A record costs points once; again only after 10 scored days in order. Where only old records stand against a rule, it makes 0
rules-probation = In the first { $n } scored days a newcomer loses no points
rules-half-day = Absent for half a day: "at least" asks for half as much; absent in the second half: "at most" is not judged
rules-back = On the first day after an absence, what appeared meanwhile does not count
rules-people = { $people }: { $terms }
rules-cycle = shifts { $on } on, { $off } off since { $day }
rules-weekdays = works { $days }
rules-share = { $percent } of a day
rules-since = scored since { $day }
rules-role = role { $role }
rules-doubt = What the CRM does not know for sure is counted twice, with the doubtful record and without. If the result is the same, points are given; if not, the rule is not scored and nothing is lost
rules-unread = A day that could not be read earns nothing and costs nothing
rules-break-even = To stay out of the minus, keep { $rules } a day. In the long run { $percent } of rules kept breaks even: more is a plus, less is a minus
rules-break-even-any = These rules never cost points
rules-money = A plus point is worth { $plus }, a minus point costs { $minus }. Minus points only lower the bonus, never the salary
rules-money-bounds = The month's bonus: { $base }at least { $floor }, { $cap }
rules-money-base = { $base } as the base and the points,{" "}
rules-money-cap = at most { $cap }
rules-money-no-cap = no upper limit
rules-money-next = From { $day } on another price: a plus point { $plus }, a minus point { $minus }
rules-money-ends = From { $day } on points are not paid
rules-version = Rules version: { $version }
rules-next = New rules apply from { $day }

language-question = Which language do you prefer?
language-ru = Русский
language-en = English
language-done = I will write in English.

## The team's week and month

summary-week = { $title } · week { $week } ({ $span })
summary-month = { $title } · { $month } ({ $span })
summary-days = { $workdays }, { $scored } scored. Compared with { $span }, { $before } scored
summary-days-unlike = { $workdays }, { $scored } scored. Not comparable with { $span }: { $before } scored then
summary-days-first = { $workdays }, { $scored } scored. Nothing to compare with yet
summary-discipline = Discipline: { $percent }{ $change }
summary-won-per-day = { $now } per scored day
summary-before = before: { $what }
points-of-percent = { $change } pp
no-change = no change
days-compared = days: { $now }, before { $before }
summary-all = { $n ->
    [1] everybody
   *[other] everybody, { $n } times each
}
summary-points = Points: { $total } ({ $plus } and { $minus }), { $per_day } per scored day
summary-won = Won: { $deals }
summary-won-unavailable = Deals won are not available in this CRM
summary-lost = Lost: { $deals }
lost-no-reasons = the CRM names no reasons
lost-no-reason = no reason given
lost-other-reasons = other reasons ×{ $n }
summary-improved = Improved most: { $who }{ $change }
summary-slides = Sliding two periods in a row: { $who }
times-each = { $n ->
    [one] once each
   *[other] { $n } times each
}
summary-broken = Broken most: { $rules }, { $times } ({ $who })
summary-broken-once = Broken once: { $rules } ({ $who })
summary-broken-tied = Broken most: { $rules }, { $times }
summary-broken-tied-once = Broken once each: { $rules }
summary-now = Now (cutoff of { $day }): { $gauges }
summary-then = Then (cutoff of { $day }): { $gauges }
deals-as-of = As of the cutoff of { $day }
gauges = 🟡 overdue { $overdue } · 🔴 without a task { $taskless }
risk = 💰 At risk: { $sums } ({ $deals })
summary-empty = No scored days
summary-people = People
summary-rules = Rules
summary-deals = Deals
summary-picture = Picture
summary-workbook = Workbook
summary-back = Back
summary-person = { $name }: { $percent }{ $change }, { $points }
summary-rule = { $kpi }: { $percent }, broken { $times }
summary-prev = ◀ Earlier
summary-next = Later ▶

back-digest = ‹ The day
back-reminder = ‹ The reminder
back-teams = ‹ Teams
reminder-over = The cutoff has passed: the reminder is gone, the day has a message of its own.
team-head = { $title } · cutoff of { $day }
team-head-live = { $title } · if nothing changes until the cutoff, data as of { $clock }
team-absent = { $name }: absent
team-off = { $name }: off by schedule
team-not_begun = { $name }: not scored yet
team-unscored = { $name }: not scored
team-live-button = As it is now
team-last-button = Last cutoff
team-day-button = Cutoff of { $day }
team-none = There was no cutoff yet
choose-team = Which team?
who-choose = Whom do you want to see? A name works too: /who Anna
who-none = There is nobody in the team yet.
who-nobody = Nobody with that name was found.
who-week = Week { $week }: { $points }, discipline { $percent }{ $change }
who-month = { $month }: { $points }, discipline { $percent }{ $change }
who-won = Won in { $month }: { $deals }{ $sums }
who-broken = Broken most in { $month }: { $rules }
who-many = Whom do you mean?
who-too-many = Whom do you mean? { $n } more match: write more of the name.

export-choose = Which month?
export-caption = { $title } · { $month }. Points, the bonus part and every row of the ledger. Proof: reglament verify
export-working = Preparing the file…
health-head = Service status
health-alive = The service is working: cutoffs, messages, answers
health-never-ran = The service has not run yet
health-write-disk-full = The disk of the database is full: nothing is saved, cutoffs and messages wait. Make room, then all goes on by itself
health-write-read-only = The database takes no writes: cutoffs and messages wait. Check the permissions of its file and folder
health-write-locked = Another program holds the database: cutoffs and messages wait. Close the program that holds its file
loop-runs = cutoffs
loop-deliveries = messages
loop-service = measurements
health-silent = { $n ->
    [one] The part “{ $name }” of the service has been silent for { $n } minute: look into the service's log and restart it
   *[other] The part “{ $name }” of the service has been silent for { $n } minutes: look into the service's log and restart it
}
health-deaf = { $n ->
    [one] No updates have come in from Telegram for { $n } minute: people get no answers. Check network, token and webhook
   *[other] No updates have come in from Telegram for { $n } minutes: people get no answers. Check network, token and webhook
}
trouble-loop-silent = The part “{ $detail }” of the service has been silent since { $since }. Scores or messages may wait. Look into the service's log and restart it
trouble-day-overdue = { $title }: the day { $day } should have been finished by { $since } and is not. Nobody loses points meanwhile. Look into the service's log: reglament health
trouble-no-run = { $title }: nobody began the day { $day } (cutoff { $since }). Nobody loses points meanwhile. Look into the service's log: reglament health
trouble-messages-wait = Messages waiting: { $detail }, the oldest since { $since }. Points are safe, but people have not heard of them. Check the network to Telegram: reglament health
trouble-messages-fail = Messages not delivered: { $detail }, the first { $since }. Points are safe, but these people have not heard of them. Look into the service's log: reglament health
trouble-token-refused = Telegram has not accepted the bot's token since { $since }: no messages go out. Put the token from @BotFather into telegram.token and restart the service
trouble-rival = Since { $since } another program has been reading the bot's updates with the same token: people get every other answer. Stop it, or renew the token at @BotFather
trouble-not-anchored = Since { $since } finished days cannot be taken to the anchors: scores and messages go on, but without a witness outside. Check the disk and the address of [anchor]: reglament health
trouble-clock = Nothing has been scored since { $since }: the clock of our machine is wrong. Nobody loses points. Set it by NTP. What differs is told below
trouble-deaf = No updates have come in from Telegram since { $since }: people get no answers, scores go on. Check network, token and webhook: reglament health
health-messages = Messages: { $waiting } waiting, { $failed } not delivered
health-given-up = Not delivered within a week: { $n }, reason of the last: { $reason }
health-last = Last cutoff { $day }, everything was read
health-partly = Last cutoff { $day }, not read: { $unread }
health-postponed = The cutoff of { $day } is postponed: the CRM cannot be read yet
health-never = No cutoff yet
health-joined = In the bot: { $joined }, not yet: { $missing }
invite-head = Not in the bot yet: { $n }
invite-link = { $name }: { $link }
invite-note = Each link is personal, works once and for 72 hours. The buttons send a ready text to a chat, or copy it
invite-ready = { $name }, this is your invitation to the bot of our sales department: the result of every day by the rules, and what can be mended. Open the link and press Start. It is personal and works for 72 hours.
invite-share = 📤 { $name }
invite-copy = 📋 Copy
invite-make = Make links (earlier ones stop working)
invite-all = Everybody is in the bot.
bind-done = The results of <b>{ $title }</b> will come here.
bind-settings = The group of <b>{ $title }</b> is named in the settings, and they take precedence. Change chat_id there.
bind-private = /bind works in a group.
bind-who = You are writing as the group, so I cannot see who you are. Tap the button: a tap shows me.
bind-me = It is me
bind-choose = Which team's results should come here?
picture-trend = Trend · { $title }
picture-day = { $month }, up to { $day }
