--! head fence unit ring bell job unique endings reclaim
-- A worker ends; what it still held goes back.

take_back(given.worker, given.died)
finish()
