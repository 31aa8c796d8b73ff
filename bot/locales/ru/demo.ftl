## reglament demo

demo-team = Отдел продаж
demo-company = Пример и партнёры
demo-living = Дней впереди: { $days }
demo-intro = Выдуманный отдел прожил { $days }: срезов { $scored }, записей в журнале { $entries }.
demo-events = По пути: { $down } – CRM не ответила до конца срока (день не оценён), { $late } – ответила со второй попытки, { $change } – изменился порог по звонкам, { $absent } – отсутствие: { $who }.
demo-personal = Личные сообщения за { $day }
demo-more = …и ещё { $n } таких сообщений
demo-board = Группа
demo-digest = Руководителю
demo-week = /week
demo-verified = Журнал проверен: цепочка цела, пересчитано заново: { $days }, баллы те же.
demo-files = Картинка: { $picture }
demo-workbook = Таблица: { $workbook }
demo-next = Дальше: впишите токен от @BotFather в { $config } и запустите
demo-problem = Проверка нашла ошибки: { $n }
field-source = Источник
field-budget = Бюджет
